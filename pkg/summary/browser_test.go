package summary_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spineflex/spineflex/pkg/summary"
)

// clicks uses the page as a reader does and writes down which clips it shows
// after each step, in their order.
const clicks = `<script>
addEventListener("load", () => {
  const seen = {};
  const look = (step) => { seen[step] = [...document.querySelectorAll("tr.row")].filter((r) => r.checkVisibility()).map((r) => r.dataset.name).join(" | "); };
  const click = (key) => document.querySelector("th[data-key=" + key + "] button").click();
  const set = (id, value) => { const e = document.getElementById(id); e.value = value; e.dispatchEvent(new Event("input")); };
  look("as it opens");
  click("peak"); look("by peak, in groups");
  document.getElementById("grouped").click(); look("by peak");
  click("peak"); look("by peak, largest first");
  click("depth"); look("by depth, missing last");
  click("depth"); look("deepest first, missing last");
  document.getElementById("grouped").click(); click("name");
  set("find", "BEN 1"); look("found");
  set("find", ""); set("verdict", "breaks"); look("left neutral");
  set("verdict", ""); set("group", "1"); look("a group");
  document.body.innerHTML = "<pre>" + JSON.stringify(seen) + "</pre>";
});
</script></body>`

func TestPageInABrowser(t *testing.T) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("SPINEFLEX_TEST_CHROMIUM") != "" {
			t.Fatal("no Chromium is installed; get it with: apt-get install -y chromium")
		}
		t.Skip("NOT TESTED IN A BROWSER: no Chromium is installed; get it with: apt-get install -y chromium")
	}
	p := example(t)
	p.sumUp("", summary.Options{})
	page := strings.Replace(p.read(summary.HTMLFile), "</body>", clicks, 1)
	p.write("clicked.html", page)
	out, err := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir="+t.TempDir(),
		"--disable-background-networking", "--dump-dom", "file://"+filepath.Join(p.dir, "clicked.html")).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(out), "<pre>")
	text, _, _ = strings.Cut(text, "</pre>")
	var got map[string]string
	if err := json.Unmarshal([]byte(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const a1, a2, b1, b2 = "anna/1", "anna/2", "ben & co/<1>", "ben & co/2"
	order := func(names ...string) string { return strings.Join(names, " | ") }
	want := map[string]string{
		"as it opens":                 order(a1, a2, b2, b1),
		"by peak, in groups":          order(a1, a2, b1, b2),
		"by peak":                     order(a1, b1, a2, b2),
		"by peak, largest first":      order(a2, b1, a1, b2),
		"by depth, missing last":      order(a2, a1, b2, b1),
		"deepest first, missing last": order(a1, a2, b2, b1),
		"found":                       b1,
		"left neutral":                a2,
		"a group":                     order(b1, b2),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error("(-want +got):\n" + d)
	}
}
