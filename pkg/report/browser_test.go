package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"golang.org/x/image/draw"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// chromiumEnv makes a missing browser a failure; the Makefile sets it, since it
// installs one.
const chromiumEnv = "SPINEFLEX_TEST_CHROMIUM"

// newBrowser starts one headless Chromium for a test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv(chromiumEnv) != "" {
			t.Fatal("no Chromium is installed; get it with: apt-get install -y chromium")
		}
		t.Skip("NOT TESTED IN A BROWSER: no Chromium is installed; get it with: apt-get install -y chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(program), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("font-render-hinting", "none"),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// view is how a page is looked at.
type view struct {
	width, height int64
	dark          bool
}

func (v view) String() string {
	if v.dark {
		return fmt.Sprintf("%d-dark", v.width)
	}
	return fmt.Sprintf("%d-light", v.width)
}

var views = []view{{360, 740, false}, {360, 740, true}, {1280, 900, false}, {1280, 900, true}}

// tab is a page in the browser and what it complained about.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	troubles []string
}

// visit opens the page in a tab of its own.
func visit(browser context.Context, t *testing.T, url string, v view, before ...func(*tab)) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			p.trouble("console says %s", e.Type)
		case *runtime.EventExceptionThrown:
			p.trouble("exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			p.trouble("log: %s", e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; u != url && !strings.HasPrefix(u, "data:") {
				p.trouble("a request goes out to %s", u)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	phone := v.width < 600
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, cdp.Empty{})
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: v.height, DeviceScaleFactor: 1, Mobile: phone})
	call(p, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: phone})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	for _, f := range before {
		f(p)
	}
	p.do(chromedp.Navigate(url))
	return p
}

// call runs a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	got, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

func (p *tab) trouble(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, fmt.Sprintf(format, args...))
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval runs JavaScript and returns what it gives.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

func (p *tab) check() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.troubles {
		p.t.Error(s)
	}
}

// pageFile writes the report of a set that broke, with stills, and returns its
// address.
func pageFile(t *testing.T) string {
	t.Helper()
	a := squatSet(30, 0.8, 0, 0.65)
	var stills []Still
	for i := range a.Reps {
		r := &a.Reps[i]
		stills = append(stills, Still{"set-up", r.Index, r.StartS, photo(t, 0)}, Still{"bottom", r.Index, r.BottomS, photo(t, 1)})
		if b := r.Breakdown; b != nil {
			stills = append(stills, Still{"left neutral", r.Index, b.TimeS, photo(t, 2)})
		}
	}
	path := filepath.Join(t.TempDir(), "my set.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteHTML(f, a, Options{Stills: stills}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return "file://" + strings.ReplaceAll(path, " ", "%20")
}

// photo is a picture of a still's usual size.
func photo(t *testing.T, shade uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 210, 480))
	for y := range 480 {
		for x := range 210 {
			img.SetRGBA(x, y, color.RGBA{uint8(60 + x/2), uint8(60 + y/4), 60 + 60*shade, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// watchShifts adds up what moves by itself while the page is looked at.
func watchShifts(p *tab) {
	call(p, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `window.shifted = 0; window.shifters = [];
new PerformanceObserver((l) => { for (const e of l.getEntries()) { window.shifted += e.value; for (const s of e.sources) window.shifters.push(s.node?.parentElement?.className + ">" + s.node?.nodeName); } }).observe({type: "layout-shift", buffered: true});`})
}

// textContrast lists the texts whose contrast with what is behind them is below
// WCAG 2.2's AA (1.4.3): 4.5, or 3 for large type.
const textContrast = `(() => {
  const parse = (c) => { const n = c.match(/[\d.]+/g).map(Number); return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1}; };
  const over = (f, b) => ({r: f.r*f.a + b.r*(1-f.a), g: f.g*f.a + b.g*(1-f.a), b: f.b*f.a + b.b*(1-f.a), a: 1});
  const lum = (c) => { const f = (v) => (v /= 255) <= 0.04045 ? v/12.92 : ((v+0.055)/1.055)**2.4; return 0.2126*f(c.r) + 0.7152*f(c.g) + 0.0722*f(c.b); };
  const low = [];
  let n = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), e = walker.currentNode.parentElement;
    if (!text || e.closest("script, style") || !e.checkVisibility()) continue;
    const s = getComputedStyle(e);
    let layers = [], opacity = 1;
    for (let p = e; p; p = p.parentElement) {
      const q = getComputedStyle(p);
      layers.push(parse(q.backgroundColor));
      opacity *= +q.opacity;
    }
    let back = {r: 255, g: 255, b: 255, a: 1};
    for (const l of layers.reverse()) back = over(l, back);
    const ink = parse(s.color);
    ink.a *= opacity;
    const a = lum(over(ink, back)), b = lum(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && +s.fontWeight >= 700;
    n++;
    if (ratio < (large ? 3 : 4.5)) low.push(text.slice(0, 40) + ": " + ratio.toFixed(2));
  }
  return n < 50 ? ["only " + n + " texts were looked at"] : low;
})()`

func TestInBrowser(t *testing.T) {
	browser, url := newBrowser(t), pageFile(t)
	for _, v := range views {
		t.Run(v.String(), func(t *testing.T) {
			p := visit(browser, t, url, v, watchShifts)
			for _, low := range eval[[]string](p, textContrast) {
				t.Errorf("contrast of %s", low)
			}
			type answer struct {
				Text                     string
				Top, Bottom, Left, Right float64
				Wide                     float64
			}
			got := eval[answer](p, `(() => { const h = document.querySelector("h1"), r = h.getBoundingClientRect();
return {Text: h.innerText, Top: r.top, Bottom: r.bottom, Left: r.left, Right: r.right, Wide: document.scrollingElement.scrollWidth}; })()`)
			if !strings.HasPrefix(got.Text, "Neutral to 71\u00a0% of your depth") {
				t.Errorf("the answer is %q", got.Text)
			}
			if got.Top < 0 || got.Left < 0 || got.Bottom > float64(v.height) || got.Right > float64(v.width) {
				t.Errorf("the answer lies at %+v, outside of the first %d × %d", got, v.width, v.height)
			}
			if got.Wide > float64(v.width) {
				t.Errorf("the page is %g wide and scrolls sideways", got.Wide)
			}
			hover(p, v)
			if s := eval[float64](p, "window.shifted"); s > 0 {
				t.Errorf("the layout shifts by %g: %v", s, eval[[]string](p, "window.shifters"))
			}
			p.check()
		})
	}
}

// hover points at, touches and steps through every chart.
func hover(p *tab, v view) {
	t := p.t
	t.Helper()
	for _, chart := range []string{"time", "depth", "rhythm"} {
		plot := fmt.Sprintf(`document.querySelector("[data-chart=%s] .plot")`, chart)
		p.do(chromedp.Evaluate[chromedp.Void](plot + `.scrollIntoView({block: "center"})`))
		box := eval[[4]float64](p, fmt.Sprintf(`(() => { const r = %s.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`, plot))
		x, y := box[0]+0.62*box[2], box[1]+0.5*box[3]
		if v.width < 600 {
			p.do(chromedp.TapXY(x, y))
		} else {
			p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
		}
		type shown struct {
			Text   string
			Cursor float64
			Dot    bool
			Still  string
		}
		look := fmt.Sprintf(`(() => { const s = document.querySelector("[data-chart=%s]"), c = s.querySelector(".cursor"), r = s.querySelector(".plot").getBoundingClientRect(), i = s.querySelector(".read img");
return {Text: s.querySelector("output").textContent, Cursor: c.hidden ? -1 : (c.getBoundingClientRect().left - r.left) / r.width, Dot: !s.querySelector(".dot").hidden, Still: i.hidden ? "" : i.src.slice(0, 15)}; })()`, chart)
		got := eval[shown](p, look)
		if !strings.Contains(got.Text, " s · rep ") || !strings.Contains(got.Text, "flexion") || !got.Dot || got.Cursor < 0 {
			t.Errorf("%s chart shows %+v under the pointer", chart, got)
		}
		if chart == "time" && (got.Cursor < 0.61 || got.Cursor > 0.63) {
			t.Errorf("the pointer is at 0.62 of the time chart, its line at %.2f", got.Cursor)
		}
		if got.Still != "data:image/jpeg" {
			t.Errorf("%s chart shows no still", chart)
		}
		p.do(chromedp.Evaluate[chromedp.Void](plot+`.focus()`), chromedp.KeyEvent(kb.ArrowRight))
		if next := eval[shown](p, look); next.Text == got.Text || next.Text == "" {
			t.Errorf("the arrow key leaves the %s chart at %q", chart, next.Text)
		}
		p.do(chromedp.Evaluate[chromedp.Void](plot + `.blur()`))
		if gone := eval[shown](p, look); gone.Text != "" || gone.Dot {
			t.Errorf("the %s chart still shows %+v", chart, gone)
		}
	}
}

// Whatever cannot be seen is there in words, and what can be done with a mouse
// can be done with the keyboard.
func TestAccessible(t *testing.T) {
	p := visit(newBrowser(t), t, pageFile(t), views[0])
	for _, trouble := range eval[[]string](p, `(() => {
  const out = [], name = (e) => (e.getAttribute("aria-label") || "") + (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ");
  if (!document.documentElement.lang) out.push("the page has no language");
  if (document.querySelectorAll("h1").length !== 1) out.push("not one h1");
  for (const i of document.querySelectorAll("img")) if (!i.hasAttribute("alt") || !i.hidden && !i.alt) out.push("picture without words: " + i.outerHTML.slice(0, 60));
  for (const e of document.querySelectorAll("[role=img], [role=region], section")) if (!name(e).trim()) out.push("nameless " + e.outerHTML.slice(0, 60));
  for (const e of document.querySelectorAll(".plot")) {
    const d = document.getElementById(e.getAttribute("aria-describedby"));
    if (!d || d.textContent.length < 40) out.push("chart without a description");
  }
  for (const e of document.querySelectorAll("th")) if (!e.scope) out.push("table head without scope");
  for (const e of document.querySelectorAll("main *")) {
    const s = getComputedStyle(e);
    if (/auto|scroll/.test(s.overflowX) && e.scrollWidth > e.clientWidth && e.tabIndex < 0) out.push("cannot be scrolled with keys: " + e.className);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) out.push("ids are not unique");
  return out;
})()`) {
		t.Error(trouble)
	}
	p.check()
}

func TestPrints(t *testing.T) {
	p := visit(newBrowser(t), t, pageFile(t), views[2])
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPrintBackground(), chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 20<<10 {
		t.Errorf("the PDF has %d bytes starting %.8q", len(pdf), pdf)
	}
	if n := bytes.Count(pdf, []byte("/Type /Page\n")); n < 2 || n > 8 {
		t.Errorf("the report prints on %d pages", n)
	}
	p.check()
}

// The page looks as it did when it was last looked at. Fonts differ between
// machines, so it is shown in the Go fonts.
func TestLooksTheSame(t *testing.T) {
	browser, url := newBrowser(t), pageFile(t)
	face := func(weight string, ttf []byte) string {
		return fmt.Sprintf("@font-face{font-family:Go;font-weight:%s;src:url(data:font/ttf;base64,%s)}", weight, base64.StdEncoding.EncodeToString(ttf))
	}
	css := face("100 500", goregular.TTF) + face("501 900", gobold.TTF) + "*{font-family:Go!important}"
	for _, v := range []view{views[0], views[3]} {
		t.Run(v.String(), func(t *testing.T) {
			p := visit(browser, t, url, v, func(p *tab) { call(p, cdppage.SetBypassCSP, cdppage.SetBypassCSPParams{Enabled: true}) })
			if n := eval[int](p, fmt.Sprintf(`(async () => { const s = document.createElement("style"); s.textContent = %q; document.head.append(s);
return (await Promise.all([document.fonts.load("16px Go"), document.fonts.load("bold 16px Go")])).flat().length; })()`, css)); n != 2 {
				t.Fatalf("%d fonts are loaded, want 2", n)
			}
			beyond := true
			shot := call(p, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
				CaptureBeyondViewport: &beyond, Clip: &cdppage.Viewport{Width: float64(v.width), Height: 2200, Scale: 1},
			})
			sameLook(t, filepath.Join("testdata", "page-"+v.String()+".png"), shot.Data)
		})
	}
}

// sameLook compares pictures at a quarter of their size, where the edges of
// letters, which every FreeType draws a little differently, no longer count. A
// twentieth of the range in a hundredth of the pixels is allowed.
func sameLook(t *testing.T, path string, shot []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, got := quarter(t, stored), quarter(t, shot)
	if want.Rect != got.Rect {
		t.Fatalf("the page is %v, was %v", got.Rect, want.Rect)
	}
	off := 0
	for i := 0; i < len(got.Pix); i += 4 {
		for c := range 3 {
			if d := int(got.Pix[i+c]) - int(want.Pix[i+c]); d > 13 || d < -13 {
				off++
				break
			}
		}
	}
	if share := float64(off) / float64(len(got.Pix)/4); share > 0.01 {
		now := filepath.Join(t.ArtifactDir(), filepath.Base(path))
		if err := os.WriteFile(now, shot, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%.1f %% of %s looks different; see %s, and run with -update if it is meant", 100*share, path, now)
	}
}

func quarter(t *testing.T, b []byte) *image.RGBA {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx()/4, img.Bounds().Dy()/4))
	draw.ApproxBiLinear.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
	return small
}
