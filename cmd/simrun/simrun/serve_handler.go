package simrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"rtpfabric/plots"
)

// resultsHandler serves a folder for results, for reading. It answers GET and HEAD of this machine alone.
type resultsHandler struct {
	folder string
	root   *os.Root // nothing outside is reached, by a symbolic link neither
	now    func() time.Time
}

func newResultsHandler(folder string, now func() time.Time) (*resultsHandler, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &resultsHandler{folder, root, now}, nil
}

func (h *resultsHandler) close() { _ = h.root.Close() }

// contentTypes are those of what is in records; what isn't known is octets.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".json": "application/json", ".jsonl": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8", ".xml": "text/xml; charset=utf-8",
}

// ServeHTTP answers one request.
func (h *resultsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", plots.ServedPolicy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache")
	switch {
	case !ours(r.Host):
		// The page of another site whose name has come to mean this machine (DNS rebinding).
		http.Error(w, "simrun serves this machine alone: ask for 127.0.0.1 or localhost", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "results are for reading", http.StatusMethodNotAllowed)
	case r.URL.Path == "/" || r.URL.Path == "/"+pageFile:
		h.index(w, r)
	case r.URL.Path == plots.ProgressAddress:
		h.progress(w, r)
	default:
		h.file(w, r)
	}
}

// ours reports whether a request is for this machine by its loopback names.
func ours(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	switch strings.ToLower(strings.Trim(host, "[]")) {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}

// index makes the index anew.
func (h *resultsHandler) index(w http.ResponseWriter, r *http.Request) {
	x, err := indexOf(h.folder)
	if err != nil {
		http.Error(w, "the folder can't be read", http.StatusInternalServerError)
		return
	}
	x.Live = true
	var page bytes.Buffer
	if err := plots.WriteIndex(&page, x); err != nil {
		http.Error(w, "the index can't be made", http.StatusInternalServerError)
		return
	}
	h.answer(w, r, contentTypes[".html"], page.Bytes())
}

func (h *resultsHandler) progress(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(running(h.folder, h.now()))
	if err != nil {
		http.Error(w, "the progress can't be told", http.StatusInternalServerError)
		return
	}
	h.answer(w, r, contentTypes[".json"], text)
}

// answer sends what is another thing each time.
func (h *resultsHandler) answer(w http.ResponseWriter, r *http.Request, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

// file sends a file of the folder; of a folder its page. What begins with a dot is being written, or nobody's business.
func (h *resultsHandler) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasSuffix(name, "/") {
		name += pageFile
	}
	if !fs.ValidPath(name) || strings.Contains("/"+name, "/.") || strings.ContainsRune(name, '\\') {
		http.NotFound(w, r)
		return
	}
	info, err := h.root.Stat(name) // before it is opened: a pipe would keep us waiting
	switch {
	case err != nil:
		missing(w, r, err)
		return
	case info.IsDir():
		w.Header().Set("Location", (&url.URL{Path: path.Base(name) + "/"}).String())
		w.WriteHeader(http.StatusMovedPermanently)
		return
	case !info.Mode().IsRegular():
		http.NotFound(w, r)
		return
	}
	f, err := h.root.Open(name)
	if err != nil {
		missing(w, r, err)
		return
	}
	defer f.Close()
	kind, known := contentTypes[strings.ToLower(path.Ext(name))]
	if !known {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", info.ModTime(), io.NewSectionReader(f, 0, info.Size()))
}

func missing(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrPermission) {
		http.Error(w, "that can't be read", http.StatusForbidden)
		return
	}
	http.NotFound(w, r)
}
