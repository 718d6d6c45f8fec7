package loadtest_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"loadtest"
)

const token = "0123456789abcdef-token"

// certificates makes ca.pem, and pem and key of a server and of a client that it signed.
func certificates(t *testing.T, folder string) {
	openssl := func(line string) {
		t.Helper()
		command := exec.Command("openssl", strings.Fields(line)...)
		command.Dir = folder
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	openssl("req -x509 " + key + " -keyout ca.key -out ca.pem -days 2 -subj /CN=ca -addext basicConstraints=critical,CA:TRUE")
	for _, name := range []string{"server", "client"} {
		openssl("req " + key + " -keyout " + name + ".key -out " + name + ".csr -subj /CN=" + name +
			" -addext subjectAltName=DNS:localhost,IP:127.0.0.1")
		openssl("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out " + name + ".pem")
	}
}

// secured starts an orchestrator that wants a token and a client certificate, over TLS.
func secured(t *testing.T) (server, folder string) {
	t.Helper()
	folder = t.TempDir()
	certificates(t, folder)
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command(filepath.Join(os.Getenv("LOADTEST_BIN"), "orchestrator"), "1", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--data", "data", "--ready_file", "ready", "--tls-cert", "server.pem", "--tls-key", "server.key", "--token-file", "token",
		"--set", "orchestrator.tls_client_ca_file=ca.pem")
	program.Dir = folder
	program.Stderr = os.Stderr
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		_ = program.Wait()
	})
	var addresses struct {
		GRPC string `json:"grpc_address"`
	}
	for deadline := time.Now().Add(30 * time.Second); addresses.GRPC == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the orchestrator did not start")
		}
		if text, err := os.ReadFile(filepath.Join(folder, "ready")); err == nil {
			_ = json.Unmarshal(text, &addresses)
		}
	}
	return addresses.GRPC, folder
}

func TestTheRightCallerComesInAndOthersDoNot(t *testing.T) {
	server, folder := secured(t)
	ca := loadtest.WithTLS(filepath.Join(folder, "ca.pem"))
	own := loadtest.WithClientCertificate(filepath.Join(folder, "client.pem"), filepath.Join(folder, "client.key"))
	drivers := func(opts ...loadtest.Option) error {
		client, err := loadtest.Dial(server, opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Drivers(context.Background())
		return err
	}
	if err := drivers(ca, own, loadtest.WithToken(token)); err != nil {
		t.Error(err)
	}
	if err := drivers(ca, own, loadtest.WithToken("not-the-token")); status.Code(err) != codes.Unauthenticated {
		t.Errorf("got %v, want UNAUTHENTICATED", err)
	}
	for _, opts := range [][]loadtest.Option{{ca}, {loadtest.WithTLS("")}, {}} {
		if err := drivers(append(opts, loadtest.WithToken(token))...); status.Code(err) != codes.Unavailable {
			t.Errorf("got %v, want UNAVAILABLE", err)
		}
	}
	t.Setenv("LOADTEST_SERVER_CACERT", filepath.Join(folder, "ca.pem"))
	t.Setenv("LOADTEST_TOKEN_FILE", filepath.Join(folder, "token"))
	if err := drivers(own); err != nil {
		t.Error(err)
	}
}

func TestATokenDoesNotGoToAnotherHostInClearText(t *testing.T) {
	for _, server := range []string{"load.example:50051", "192.0.2.1:50051", "dns:///load.example:50051"} {
		if _, err := loadtest.Dial(server, loadtest.WithToken(token)); err == nil || !strings.Contains(err.Error(), "in clear text") {
			t.Errorf("%s: got %v", server, err)
		}
	}
	for _, server := range []string{"localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1"} {
		if client, err := loadtest.Dial(server, loadtest.WithToken(token)); err != nil {
			t.Error(err)
		} else {
			_ = client.Close()
		}
	}
}
