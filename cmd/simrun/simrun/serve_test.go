package simrun

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/plots"
)

// servedFolder is a folder with a file of each kind, one that is hidden, and a symbolic link out of it.
func servedFolder(t *testing.T) string {
	t.Helper()
	above := t.TempDir()
	root := filepath.Join(above, "results")
	for name, text := range map[string]string{
		"results/call/seed=1/index.html": "<!DOCTYPE html>page", "results/call/seed=1/series.csv": "time [s]\n", "results/call/seed=1/R1.pcapng": "\x0a\x0d",
		"results/call/.seed=2.partial-1/index.html": "half", "results/a:b/index.html": "odd", "secret": "secret",
	} {
		path := filepath.Join(above, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(above, "secret"), filepath.Join(root, "link")); err != nil {
		t.Log("no symbolic links here:", err)
	}
	return root
}

func TestServedAnswers(t *testing.T) {
	h, err := newResultsHandler(servedFolder(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	for _, c := range []struct {
		method, host, path string
		code               int
		kind, body         string // what body begins with, of the index has
	}{
		{"GET", "127.0.0.1:8867", "/", 200, "text/html", "data-live=\"/.progress\""},
		{"GET", "localhost", "/index.html", 200, "text/html", "There is no record"},
		{"GET", "[::1]:8867", "/.progress", 200, "application/json", "[]"},
		{"HEAD", "127.0.0.1", "/call/seed=1/index.html", 200, "text/html", ""},
		{"GET", "127.0.0.1", "/call/seed=1/", 200, "text/html", "<!DOCTYPE html>page"},
		{"GET", "127.0.0.1", "/call/seed=1/series.csv", 200, "text/csv", "time [s]"},
		{"GET", "127.0.0.1", "/call/seed=1/R1.pcapng", 200, "application/octet-stream", "\x0a"},
		{"GET", "127.0.0.1", "/call/seed=1", 301, "", ""},
		{"GET", "127.0.0.1", "/call/", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/nothing", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/link", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/../secret", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/%2e%2e/secret", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/..%5csecret", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/call//seed=1/index.html", 404, "text/plain", "404"},
		{"GET", "127.0.0.1", "/call/.seed=2.partial-1/index.html", 404, "text/plain", "404"},
		{"POST", "127.0.0.1", "/", 405, "text/plain", "results are for reading"},
		{"DELETE", "127.0.0.1", "/call/seed=1/index.html", 405, "text/plain", "results are for reading"},
		{"GET", "evil.example:8867", "/", 421, "text/plain", "simrun serves this machine alone"},
		{"GET", "127.0.0.1.evil.example", "/", 421, "text/plain", "simrun serves this machine alone"},
		{"GET", "", "/", 421, "text/plain", "simrun serves this machine alone"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		what := c.method + " " + c.path + " of " + c.host
		if w.Code != c.code || !strings.HasPrefix(w.Header().Get("Content-Type"), c.kind) || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: %d, %s, %q", what, w.Code, w.Header().Get("Content-Type"), w.Body.String()[:min(80, w.Body.Len())])
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells what is outside", what)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": plots.ServedPolicy} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", what, name, got)
			}
		}
		cache := w.Header().Get("Cache-Control")
		if live := c.path == "/" || c.path == "/.progress"; live && c.code == 200 && cache != "no-store" {
			t.Errorf("%s: may be kept: %q", what, cache)
		}
	}
}

// A folder's name may look like a scheme.
func TestServedRedirectsStay(t *testing.T) {
	h, err := newResultsHandler(servedFolder(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	for path, want := range map[string]string{"/call/seed=1": "seed=1/", "/a:b": "./a:b/"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}

func TestServeListensAndEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	cmd := Command()
	cmd.SetArgs([]string{"serve", servedFolder(t), "--port", "0"})
	cmd.SetOut(in)
	cmd.SetContext(ctx)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(line, " at ")
	address, _, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("it says %q", line)
	}
	answer, err := http.Get(address + "call/seed=1/index.html")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || string(body) != "<!DOCTYPE html>page" {
		t.Errorf("%s: %q, %v", answer.Status, body, err)
	}
	port := address[strings.LastIndex(address, ":")+1 : len(address)-1]
	second := Command()
	second.SetArgs([]string{"serve", servedFolder(t), "--port", port})
	if err := second.Execute(); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "somebody else listens there") {
		t.Errorf("a port in use: %v", err)
	}
	cancel()
	if err := <-ended; ExitCode(err) != ExitPassed {
		t.Errorf("it ends with %v", err)
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for host, ok := range map[string]bool{
		"127.0.0.1": true, "127.0.0.2": true, "::1": true, "localhost": true,
		"0.0.0.0": false, "::": false, "192.0.2.1": false, "example.org": false, "": false,
	} {
		if _, err := loopback(host); (err == nil) != ok {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestProgressOfWhatIsKilledGoesStale(t *testing.T) {
	out := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	put := func(name string, p any) {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(".progress-1.json", plots.Progress{Started: now.Add(-time.Minute), Updated: now.Add(-time.Second), Total: 1})
	put(".progress-2.json", plots.Progress{Started: now.Add(-time.Hour), Updated: now.Add(-time.Second), Total: 2})
	put(".progress-3.json", plots.Progress{Started: now.Add(-time.Hour), Updated: now.Add(-liveStale), Total: 3})
	put(".progress-4.json", "nonsense")
	put("progress-5.json", plots.Progress{Updated: now, Total: 5})
	list := running(out, now)
	if len(list) != 2 || list[0].Total != 2 || list[1].Total != 1 {
		t.Errorf("running are %+v, want 2 and 1", list)
	}
	attend(nil, out)() // tidies up, as nobody is at work
	if _, err := os.Stat(filepath.Join(out, ".progress-3.json")); err == nil {
		t.Error("the file of a killed process stays")
	}
	if _, err := os.Stat(filepath.Join(out, "progress-5.json")); err != nil {
		t.Error("a file of somebody else is gone")
	}
}
