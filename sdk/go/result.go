package loadtest

import (
	"fmt"
	"time"

	pb "loadtest/v1"
)

// Result is a report, with the numbers that are asked for most at hand.
type Result struct {
	// Report is the whole message.
	Report *pb.Report
}

// Sent is the number of requests that left.
func (r *Result) Sent() int64 { return r.Report.GetTotals().GetCounts().GetSent() }

// Completed is the number of whole responses, of any status.
func (r *Result) Completed() int64 { return r.Report.GetTotals().GetCounts().GetCompleted() }

// P50 and P99 are of the response time, which counts from when a request was due.
func (r *Result) P50() time.Duration { return time.Duration(r.Report.GetResponseTime().GetP50Ns()) }

// P99 see P50.
func (r *Result) P99() time.Duration { return time.Duration(r.Report.GetResponseTime().GetP99Ns()) }

// Verdict says whether the generator may be believed.
func (r *Result) Verdict() pb.Verdict_Level { return r.Report.GetVerdict().GetLevel() }

// Problems says why the test did not pass, a line each; none if it ran to its end, something was answered, the numbers
// may be believed, and every threshold was kept.
func (r *Result) Problems() []string {
	var found []string
	test := r.Report.GetLoadTest()
	if test.GetState() != pb.LoadTest_SUCCEEDED {
		found = append(found, fmt.Sprintf("%v: %s", test.GetState(), test.GetStateReason()))
	}
	if r.Completed() == 0 {
		found = append(found, "no request succeeded")
	}
	if r.Verdict() == pb.Verdict_INVALID {
		for _, reason := range r.Report.GetVerdict().GetReasons() {
			found = append(found, "INVALID: "+reason.GetMessage())
		}
	}
	for _, t := range r.Report.GetThresholds() {
		if !t.GetPassed() {
			found = append(found, fmt.Sprintf("threshold %s: got %s", t.GetExpression(), t.GetActual()))
		}
	}
	return found
}
