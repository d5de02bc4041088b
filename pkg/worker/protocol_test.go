package worker

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spineflex/spineflex/pkg/job"
)

// fill sets every exported field that is data to something else than zero.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n % 100))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(uint64(*n % 100))
	case reflect.Float64, reflect.Float32:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.String:
		v.SetString("a\xff\n\"")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), n)
			}
		}
	case reflect.Func:
	default:
		t.Fatalf("a request cannot carry a %s", v.Type())
	}
}

// Whatever options there are now or will be, a worker gets them.
func TestRequestCarriesEveryOption(t *testing.T) {
	var o job.Options
	n := 0
	fill(t, reflect.ValueOf(&o).Elem(), &n)
	o.Note = func(string) {}
	want := newRequest(taskRun, "clip\xff.mp4", "out", o)
	want.MaxMemory = 5
	// Missing stays missing.
	want.Options.Settings.NeutralClip.Frames[0].Landmarks[0].X = math.NaN()
	var wire bytes.Buffer
	if err := writeRequest(&wire, &want); err != nil {
		t.Fatal(err)
	}
	got, err := readRequest(&wire)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got, cmpopts.EquateNaNs(), cmp.AllowUnexported(request{}), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("lost on the way (-sent +got):\n%s", diff)
	}
}

// FuzzReadAnswers: what a child says, however wrong, neither stops the parent nor
// passes for an answer to what was not asked.
func FuzzReadAnswers(f *testing.F) {
	f.Add("{\"note\":\"a\"}\n{\"summary\":{\"reps\":3}}\n")
	f.Add("{\"failure\":{\"message\":\"x\",\"kinds\":[\"no-person\",\"unknown\"]}}\n")
	f.Add("{\"recording\":\"U0ZS\"}\n")
	f.Add("{\"summary\":{},\"recording\":\"AAAA\"}\n")
	f.Add("{\"progress\":null}\nhello\n[]\n{\"progress\":{\"done\":-1,\"total\":1e300}}")
	f.Fuzz(func(t *testing.T, text string) {
		a := readAnswers(strings.NewReader(text), func(a *answer) {
			if a.last() {
				t.Fatal("the last answer is not handed on")
			}
		})
		if a == nil {
			return
		}
		switch {
		case a.Failure != nil:
			if a.Failure.err().Error() != a.Failure.Message {
				t.Fatal("message lost")
			}
		case a.fits(taskWatch):
			_, _ = a.recording()
		case a.fits(taskRun):
			if s := a.summary("here"); s.Folder != "here" {
				t.Fatalf("folder %q", s.Folder)
			}
		}
	})
}
