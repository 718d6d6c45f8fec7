package loadtest

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "loadtest/v1"
)

// A spec begins with one of these functions; what they leave out has the orchestrator's default, and may be set on the
// message. Whether the values make sense, the orchestrator says.

// Avalanche is a closed loop: every connection of a driver sends its next request as soon as it is free.
func Avalanche(url string, duration time.Duration) *pb.LoadTestSpec {
	return &pb.LoadTestSpec{
		Request:  &pb.HttpRequest{Url: url},
		Load:     &pb.LoadTestSpec_Avalanche{Avalanche: &pb.Avalanche{}},
		Duration: durationpb.New(duration),
	}
}

// Tsunami is an open loop: each driver sends so many requests, one every delay, whatever the target does.
func Tsunami(url string, delay time.Duration, requestsPerDriver int64) *pb.LoadTestSpec {
	return &pb.LoadTestSpec{
		Request:           &pb.HttpRequest{Url: url},
		Load:              &pb.LoadTestSpec_Tsunami{Tsunami: &pb.Tsunami{Delay: durationpb.New(delay)}},
		RequestsPerDriver: requestsPerDriver,
	}
}

// Rate is an open loop of all drivers together, at so many requests per second.
func Rate(url string, requestsPerSecond float64, duration time.Duration) *pb.LoadTestSpec {
	return &pb.LoadTestSpec{
		Request:  &pb.HttpRequest{Url: url},
		Load:     &pb.LoadTestSpec_Rate{Rate: &pb.FleetRate{RequestsPerSecond: requestsPerSecond}},
		Duration: durationpb.New(duration),
	}
}

// Stage goes in a straight line from one rate to another.
type Stage struct {
	From, To float64 // requests per second of all drivers together
	For      time.Duration
}

// Stages is an open loop of all drivers together, whose rate changes.
func Stages(url string, stages ...Stage) *pb.LoadTestSpec {
	rates := &pb.RateStages{}
	for _, s := range stages {
		rates.Stages = append(rates.Stages, &pb.Stage{From: s.From, To: s.To, Duration: durationpb.New(s.For)})
	}
	return &pb.LoadTestSpec{Request: &pb.HttpRequest{Url: url}, Load: &pb.LoadTestSpec_Stages{Stages: rates}}
}
