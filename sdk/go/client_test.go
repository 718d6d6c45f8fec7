package loadtest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"loadtest"
	pb "loadtest/v1"
)

// server is the address of the orchestrator that TestMain started.
var server string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "loadtest-go-")
	if err != nil {
		panic(err)
	}
	ready := filepath.Join(folder, "ready.json")
	program := exec.Command(filepath.Join(os.Getenv("LOADTEST_BIN"), "orchestrator"), "2", "--kafka", "embedded", "--grpc", "127.0.0.1:0",
		"--http", "127.0.0.1:0", "--data", filepath.Join(folder, "data"), "--ready_file", ready)
	program.Stderr = os.Stderr
	if err := program.Start(); err != nil {
		panic("LOADTEST_BIN must be the folder of the built programs: " + err.Error())
	}
	var addresses struct {
		GRPC string `json:"grpc_address"`
	}
	for deadline := time.Now().Add(20 * time.Second); addresses.GRPC == "" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ready); err == nil {
			_ = json.Unmarshal(text, &addresses)
		}
	}
	server = addresses.GRPC
	code := 1
	if server != "" {
		code = m.Run()
	}
	_ = program.Process.Signal(syscall.SIGTERM)
	_ = program.Wait()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// dial makes a client and a context with the time of a test.
func dial(t *testing.T) (*loadtest.Client, context.Context) {
	t.Helper()
	client, err := loadtest.Dial(server)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(func() {
		cancel()
		_ = client.Close()
	})
	return client, ctx
}

// site counts what it answers.
func site(t *testing.T) (url string, received *atomic.Int64) {
	received = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		received.Add(1)
		_, _ = w.Write([]byte("pong\n"))
	}))
	t.Cleanup(s.Close)
	return s.URL, received
}

func TestRunCountsWhatTheServerCounted(t *testing.T) {
	client, ctx := dial(t)
	url, received := site(t)
	updates := 0
	result, err := client.RunAndWatch(ctx, loadtest.Tsunami(url, 5*time.Millisecond, 50), func(*pb.LoadTestUpdate) { updates++ })
	if err != nil {
		t.Fatal(err)
	}
	if result.Sent() != 100 || result.Completed() != 100 || received.Load() != 100 {
		t.Errorf("sent %d, completed %d, received %d, want 100 each", result.Sent(), result.Completed(), received.Load())
	}
	if result.P50() <= 0 || result.P50() > result.P99() {
		t.Errorf("p50 %v, p99 %v", result.P50(), result.P99())
	}
	if updates == 0 {
		t.Error("no update came")
	}
}

func TestEveryKindOfLoadIsTaken(t *testing.T) {
	client, ctx := dial(t)
	url, _ := site(t)
	for name, spec := range map[string]*pb.LoadTestSpec{
		"avalanche": loadtest.Avalanche(url, 100*time.Millisecond),
		"rate":      loadtest.Rate(url, 100, time.Second),
		"stages":    loadtest.Stages(url, loadtest.Stage{To: 100, For: time.Second}, loadtest.Stage{From: 100, To: 100, For: time.Second}),
	} {
		if _, err := client.Validate(ctx, spec); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongFieldIsNamed(t *testing.T) {
	client, ctx := dial(t)
	_, err := client.Create(ctx, loadtest.Tsunami("http://127.0.0.1:1/", 0, 1))
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "spec.tsunami.delay: got 0s, want ") {
		t.Errorf("got %v", err)
	}
}

func TestWhenTheContextEndsTheTestIsStopped(t *testing.T) {
	client, ctx := dial(t)
	url, _ := site(t)
	short, cancel := context.WithCancel(ctx)
	name := ""
	_, err := client.RunAndWatch(short, loadtest.Rate(url, 50, time.Minute), func(u *pb.LoadTestUpdate) {
		name = u.GetLoadTest().GetName()
		cancel()
	})
	if err == nil || name == "" {
		t.Fatalf("got error %v of test %q, want that of the context", err, name)
	}
	if err := client.Watch(ctx, name, nil); err != nil {
		t.Fatal(err)
	}
	test, err := client.Get(ctx, name)
	if err != nil || test.GetState() != pb.LoadTest_STOPPED || test.GetStateReason() != "its Go program gave up" {
		t.Errorf("got %v, %v", test, err)
	}
}

func TestATestIsListedNotedAndDeleted(t *testing.T) {
	client, ctx := dial(t)
	url, _ := site(t)
	result, err := client.Run(ctx, loadtest.Tsunami(url, time.Millisecond, 5))
	if err != nil {
		t.Fatal(err)
	}
	name := result.Report.GetLoadTest().GetName()
	if test, err := client.Note(ctx, name, "before the cache"); err != nil || test.GetNote() != "before the cache" {
		t.Errorf("got %v, %v", test, err)
	}
	tests, err := client.Tests(ctx)
	if err != nil || len(tests) == 0 || tests[0].GetName() != name {
		t.Errorf("got %v, %v, want %s first", tests, err, name)
	}
	if err := client.Delete(ctx, name); err != nil {
		t.Error(err)
	}
	if _, err := client.Get(ctx, name); status.Code(err) != codes.NotFound {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestProblemsNameTheThresholdThatWasBroken(t *testing.T) {
	client, ctx := dial(t)
	url, _ := site(t)
	spec := loadtest.Tsunami(url, time.Millisecond, 5)
	spec.Thresholds = []string{"p50<10s", "p50<1ns"}
	result, err := client.Run(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	problems := strings.Join(result.Problems(), "\n")
	if !strings.Contains(problems, "threshold p50<1ns: got ") || strings.Contains(problems, "10s") {
		t.Errorf("got %q", problems)
	}
}

func TestNobodyThereIsUnavailable(t *testing.T) {
	client, err := loadtest.Dial("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := client.Drivers(ctx); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}
