// Command spineflex tells a lifter how deep a squat or deadlift goes before
// the lower back leaves its neutral range, from one phone clip filmed from the
// side.
//
//	spineflex analyze squat.mp4
//
// writes the numbers, a report and an annotated video to spineflex-out/squat.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action is back: a second Ctrl-C ends
	// the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
