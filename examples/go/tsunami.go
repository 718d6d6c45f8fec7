// A Tsunami test from Go: ask, check, create, watch, judge. Run it with ./run [URL].
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "loadtest/v1"
)

// A script has nothing better to do with an error than to end with it.
func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func ms(nanoseconds int64) string { return fmt.Sprintf("%.2f ms", float64(nanoseconds)/1e6) }

// Each driver sends 200 requests, one every delay, whether or not the last one is answered.
func tsunami(url string, delay time.Duration) *pb.LoadTestSpec {
	return &pb.LoadTestSpec{
		Title:             "Tsunami from Go",
		Request:           &pb.HttpRequest{Url: url},
		Load:              &pb.LoadTestSpec_Tsunami{Tsunami: &pb.Tsunami{Delay: durationpb.New(delay)}},
		RequestsPerDriver: 200,
	}
}

// Prints a line an update. The stream ends by itself when the test has ended.
func watch(ctx context.Context, service pb.LoadTestServiceClient, name string) {
	stream := must(service.WatchLoadTest(ctx, &pb.WatchLoadTestRequest{Name: name}))
	for {
		update, err := stream.Recv()
		if err == io.EOF {
			return
		}
		must(update, err)
		totals := update.GetTotals()
		fmt.Printf("%v %.0f%%: sent %d, completed %d, failed %d, p99 %s\n",
			update.GetLoadTest().GetState(), 100*update.GetProgress(), totals.GetSent(),
			totals.GetCompleted(), totals.GetFailed(), ms(update.GetResponseTime().GetP99Ns()))
	}
}

// Prints what the numbers say; ends with an error if the test failed or nothing answered.
func judge(report *pb.Report) {
	counts, times := report.GetTotals().GetCounts(), report.GetResponseTime()
	// Every request that was sent is accounted for, over all drivers, on every total.
	if counts.GetSent() != counts.GetCompleted()+counts.GetFailed()+counts.GetInFlight() {
		log.Fatalf("the counts do not add up: %v", counts)
	}
	fmt.Printf("sent %d\n", counts.GetSent())
	fmt.Printf("response time: p50 %s, p99 %s\n", ms(times.GetP50Ns()), ms(times.GetP99Ns()))
	for _, failure := range report.GetTotals().GetErrors() {
		fmt.Printf("%d %v: %s\n", failure.GetCount(), failure.GetKind(), failure.GetExample())
	}
	// The verdict says whether the load generator kept up, and nothing about the target.
	fmt.Printf("verdict %v\n", report.GetVerdict().GetLevel())
	for _, reason := range report.GetVerdict().GetReasons() {
		fmt.Printf("  %s\n", reason.GetMessage())
	}
	// SUCCEEDED means that the plan was carried out, also against a target that never answers.
	state, reason := report.GetLoadTest().GetState(), report.GetLoadTest().GetStateReason()
	if state != pb.LoadTest_SUCCEEDED || counts.GetCompleted() == 0 {
		log.Fatalf("ended %v with %d requests answered %s", state, counts.GetCompleted(), reason)
	}
}

func main() {
	log.SetFlags(0)
	server, url := os.Getenv("LOADTEST_SERVER"), "http://127.0.0.1:8081/ping"
	if server == "" {
		server = "127.0.0.1:50051"
	}
	if len(os.Args) > 1 {
		url = os.Args[1]
	}
	log.SetPrefix("orchestrator at " + server + ": ")

	// Plain text is for loopback: the orchestrator listens there unless it is told otherwise.
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	service := pb.NewLoadTestServiceClient(must(grpc.NewClient(server, plain)))
	// A call without a deadline can wait for ever. This one is for all of them, the test included.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	drivers := must(service.ListDrivers(ctx, &pb.ListDriversRequest{})).GetDrivers()
	for _, driver := range drivers {
		fmt.Printf("%s at %s: %v\n", driver.GetName(), driver.GetIpAddress(), driver.GetState())
	}
	if len(drivers) == 0 {
		log.Fatal("no driver is there, and a test would wait for one; try: orchestrator 2")
	}

	// With ValidateOnly nothing is created; the answer has the defaults that a test would get.
	request := &pb.CreateLoadTestRequest{Spec: tsunami(url, 5*time.Millisecond), ValidateOnly: true}
	valid := must(service.CreateLoadTest(ctx, request))
	fmt.Printf("valid, with %d connections a driver by default\n", valid.GetSpec().GetConnections())
	wrong := &pb.CreateLoadTestRequest{Spec: tsunami(url, 0), ValidateOnly: true}
	if _, err := service.CreateLoadTest(ctx, wrong); err != nil {
		// The message names the field, its value and what was wanted.
		fmt.Printf("a delay of 0 gets %v: %s\n", status.Code(err), status.Convert(err).Message())
	}

	// With a request id the call may be sent again after a time-out: it still creates one test.
	request.ValidateOnly = false
	request.RequestId = fmt.Sprintf("go-%d-%d", os.Getpid(), time.Now().UnixNano())
	name := must(service.CreateLoadTest(ctx, request)).GetName()
	fmt.Printf("created %s\n", name)
	watch(ctx, service, name)
	judge(must(service.GetReport(ctx, &pb.GetReportRequest{Name: name})))
}
