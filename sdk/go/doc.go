// Package loadtest runs load tests through a loadtest orchestrator.
//
//	client, err := loadtest.Dial("127.0.0.1:50051")
//	...
//	result, err := client.Run(ctx, loadtest.Tsunami("http://127.0.0.1:8081/ping", 5*time.Millisecond, 200))
//	if problems := result.Problems(); len(problems) > 0 { ... }
//
// Specs and reports are the messages of package loadtest/v1, which `go generate` makes from the
// repository's proto files.
package loadtest

//go:generate ./generate
