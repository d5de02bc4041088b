package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// jsonPrinter writes one JSON object a line to out, each with its kind in
// "event". People reading along get troubles on err.
type jsonPrinter struct {
	out, err io.Writer
	mu       sync.Mutex
	meter    meter
}

func (p *jsonPrinter) Print(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case progressed:
		if !p.meter.due(e, time.Now(), 500*time.Millisecond) {
			return
		}
	case failed:
		fmt.Fprintf(p.err, "spineflex: %s\n", e.Error)
	}
	fields, err := json.Marshal(e)
	if err != nil {
		// Events hold strings, integers and finite numbers only.
		panic(err)
	}
	line := fmt.Sprintf(`{"event":%q,%s`, e.name(), fields[1:])
	fmt.Fprintln(p.out, line)
}
