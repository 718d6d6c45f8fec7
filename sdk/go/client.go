package loadtest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "loadtest/v1"
)

// DefaultServer is where an orchestrator serves gRPC unless it is told otherwise.
const DefaultServer = "127.0.0.1:50051"

// callTime is how long a single call may take; a watch takes as long as its test.
const callTime = 10 * time.Second

// Client is a connection to an orchestrator. It may be shared by goroutines.
//
// Errors of its methods are gRPC's, so that status.Code tells their kind: InvalidArgument names each wrong field, its
// value and what was wanted; Unavailable is safe to try again.
type Client struct {
	// Service has every call, for what this type does not offer.
	Service pb.LoadTestServiceClient
	conn    *grpc.ClientConn
	server  string
}

type options struct {
	token string
	tls   *tls.Config // nil: clear text
}

// secure is the TLS configuration, which there is from now on.
func (o *options) secure() *tls.Config {
	if o.tls == nil {
		o.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o.tls
}

// Option is for Dial.
type Option func(*options) error

// WithToken sends a token with each call; without it, that in LOADTEST_TOKEN or in the file LOADTEST_TOKEN_FILE is sent.
func WithToken(token string) Option {
	return func(o *options) error {
		o.token = token
		return nil
	}
}

// WithTLS speaks TLS and trusts the PEM certificates in the file, or the system's if it is empty. Without it, those in the
// file LOADTEST_SERVER_CACERT are trusted if it is set.
func WithTLS(caFile string) Option {
	return func(o *options) error {
		config := o.secure()
		config.RootCAs = nil
		if caFile == "" {
			return nil
		}
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: got no certificate, want PEM certificates", caFile)
		}
		return nil
	}
}

// WithClientCertificate speaks TLS and shows this certificate, PEM files.
func WithClientCertificate(certFile, keyFile string) Option {
	return func(o *options) error {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return err
		}
		o.secure().Certificates = []tls.Certificate{pair}
		return nil
	}
}

// Dial makes a client. server is HOST:PORT; if it is empty LOADTEST_SERVER, or else DefaultServer. It does not wait for
// the connection: a server that is not there is an error of the first call.
func Dial(server string, opts ...Option) (*Client, error) {
	if server == "" {
		server = os.Getenv("LOADTEST_SERVER")
	}
	if server == "" {
		server = DefaultServer
	}
	o := options{token: os.Getenv("LOADTEST_TOKEN")}
	if file := os.Getenv("LOADTEST_TOKEN_FILE"); file != "" {
		opts = append([]Option{withTokenFile(file)}, opts...)
	}
	if file := os.Getenv("LOADTEST_SERVER_CACERT"); file != "" {
		opts = append([]Option{WithTLS(file)}, opts...)
	}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, fmt.Errorf("orchestrator at %s: %w", server, err)
		}
	}
	transport := insecure.NewCredentials()
	if o.tls != nil {
		transport = credentials.NewTLS(o.tls)
	} else if o.token != "" && !isLoopback(server) {
		return nil, fmt.Errorf("%s is another host, and the token would go there in clear text; want WithTLS", server)
	}
	withToken := func(ctx context.Context) context.Context {
		if o.token == "" {
			return ctx
		}
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+o.token)
	}
	conn, err := grpc.NewClient(server,
		grpc.WithTransportCredentials(transport),
		grpc.WithNoProxy(),
		// Reports of long tests have many intervals.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
			invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			ctx, cancel := context.WithTimeout(withToken(ctx), callTime)
			defer cancel()
			return invoke(ctx, method, req, reply, cc, opts...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
			stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return stream(withToken(ctx), desc, cc, method, opts...)
		}))
	if err != nil {
		return nil, fmt.Errorf("orchestrator at %s: %w", server, err)
	}
	return &Client{Service: pb.NewLoadTestServiceClient(conn), conn: conn, server: server}, nil
}

func withTokenFile(file string) Option {
	return func(o *options) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		o.token, _, _ = strings.Cut(string(text), "\n")
		o.token = strings.TrimRight(o.token, "\r")
		return nil
	}
}

func isLoopback(server string) bool {
	if strings.HasPrefix(server, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(server[strings.LastIndex(server, "/")+1:])
	if err != nil {
		host = server
	}
	address := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (address != nil && address.IsLoopback())
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Server is the address it was made for.
func (c *Client) Server() string { return c.server }

// Run creates a test, waits for its end and returns its result. When ctx ends before the test does, the test is stopped.
func (c *Client) Run(ctx context.Context, spec *pb.LoadTestSpec) (*Result, error) {
	return c.RunAndWatch(ctx, spec, nil)
}

// RunAndWatch is Run that tells of every update on the way.
func (c *Client) RunAndWatch(ctx context.Context, spec *pb.LoadTestSpec, onUpdate func(*pb.LoadTestUpdate)) (*Result, error) {
	test, err := c.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := c.Watch(ctx, test.GetName(), onUpdate); err != nil {
		if ctx.Err() != nil {
			// The caller's time is over, the order to stop has its own.
			_, _ = c.Stop(context.Background(), test.GetName(), "its Go program gave up")
		}
		return nil, err
	}
	return c.Result(ctx, test.GetName())
}

// Create begins a test and returns at once; it starts when enough drivers are idle. Sent again after a time-out, it would
// still create one test.
func (c *Client) Create(ctx context.Context, spec *pb.LoadTestSpec) (*pb.LoadTest, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	return c.Service.CreateLoadTest(ctx, &pb.CreateLoadTestRequest{Spec: spec, RequestId: hex.EncodeToString(id)})
}

// Validate returns the spec with the defaults that a test would get. Nothing is created.
func (c *Client) Validate(ctx context.Context, spec *pb.LoadTestSpec) (*pb.LoadTestSpec, error) {
	test, err := c.Service.CreateLoadTest(ctx, &pb.CreateLoadTestRequest{Spec: spec, ValidateOnly: true})
	return test.GetSpec(), err
}

// Watch calls onUpdate, which may be nil, now and for each interval, state and event, until the test has ended.
// A test is named by its id or its full name, here as everywhere.
func (c *Client) Watch(ctx context.Context, test string, onUpdate func(*pb.LoadTestUpdate)) error {
	stream, err := c.Service.WatchLoadTest(ctx, &pb.WatchLoadTestRequest{Name: fullName(test)})
	if err != nil {
		return err
	}
	for {
		update, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if onUpdate != nil {
			onUpdate(update)
		}
	}
}

// Get returns the test as it is now.
func (c *Client) Get(ctx context.Context, test string) (*pb.LoadTest, error) {
	return c.Service.GetLoadTest(ctx, &pb.GetLoadTestRequest{Name: fullName(test)})
}

// Tests returns all tests, newest first.
func (c *Client) Tests(ctx context.Context) ([]*pb.LoadTest, error) {
	var all []*pb.LoadTest
	for token := ""; ; {
		page, err := c.Service.ListLoadTests(ctx, &pb.ListLoadTestsRequest{PageToken: token})
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetLoadTests()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Stop orders a stop and returns at once; the test ends when its drivers have drained.
func (c *Client) Stop(ctx context.Context, test, reason string) (*pb.LoadTest, error) {
	return c.Service.StopLoadTest(ctx, &pb.StopLoadTestRequest{Name: fullName(test), Reason: reason})
}

// Delete deletes an ended test with its report.
func (c *Client) Delete(ctx context.Context, test string) error {
	_, err := c.Service.DeleteLoadTest(ctx, &pb.DeleteLoadTestRequest{Name: fullName(test)})
	return err
}

// Note writes a note on a test; it replaces the one that was there.
func (c *Client) Note(ctx context.Context, test, text string) (*pb.LoadTest, error) {
	return c.Service.UpdateLoadTest(ctx, &pb.UpdateLoadTestRequest{LoadTest: &pb.LoadTest{Name: fullName(test), Note: text}})
}

// Result is final once the test has ended, else as far as it is known.
func (c *Client) Result(ctx context.Context, test string) (*Result, error) {
	report, err := c.Service.GetReport(ctx, &pb.GetReportRequest{Name: fullName(test)})
	if err != nil {
		return nil, err
	}
	return &Result{Report: report}, nil
}

// Drivers lists the drivers that are there.
func (c *Client) Drivers(ctx context.Context) ([]*pb.Driver, error) {
	reply, err := c.Service.ListDrivers(ctx, &pb.ListDriversRequest{})
	return reply.GetDrivers(), err
}

func fullName(test string) string {
	if strings.HasPrefix(test, "loadTests/") {
		return test
	}
	return "loadTests/" + test
}
