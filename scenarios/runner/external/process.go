package external

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"rtpfabric/scenarios/runner/internal/jsonline"
)

const (
	// maxLine is how long a reply may be.
	maxLine = 1 << 20
	// maxTail is how much of a program's standard error is kept.
	maxTail = 4 << 10
	// grace is how long a program may take to end.
	grace = time.Second
	// startup is how long a first reply may take at least: interpreters load libraries.
	startup = time.Minute
)

// process is a running program that answers lines with lines.
type process struct {
	ctx     context.Context
	cmd     *exec.Cmd
	timeout time.Duration
	in      io.WriteCloser
	// lines are what it prints, closed when it has ended; ended says how, after that.
	lines chan []byte
	ended error
	quit  chan struct{} // closed when nobody reads lines any more
	once  sync.Once
	mu    sync.Mutex
	gone  bool   // waited for: its number may be another's
	begun bool   // has replied once
	last  string // line that it printed
	tail  tail   // of its standard error
}

func start(ctx context.Context, path string, c Config) (*process, error) {
	p := &process{ctx: ctx, timeout: c.Timeout, lines: make(chan []byte, 1), quit: make(chan struct{})}
	p.cmd = exec.Command(path, c.Exec[1:]...)
	p.cmd.Dir = c.Dir
	p.cmd.Stderr = &p.tail
	if c.Stderr != nil {
		p.cmd.Stderr = io.MultiWriter(&p.tail, c.Stderr)
	}
	p.cmd.WaitDelay = grace
	apart(p.cmd)
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("it can't be started: %w", err)
	}
	context.AfterFunc(ctx, p.kill)
	go p.read(out)
	return p, nil
}

// read hands on every line until the program has ended.
func (p *process) read(out io.Reader) {
	r := bufio.NewReaderSize(out, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			select {
			case p.lines <- bytes.Clone(line):
			case <-p.quit:
			}
		}
		if err != nil {
			break // a line that is too long ends here, too, and isn't a reply
		}
	}
	_, _ = io.Copy(io.Discard, out)
	p.ended = p.cmd.Wait()
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	close(p.lines)
}

// kill ends the program at once.
func (p *process) kill() {
	p.once.Do(func() { close(p.quit) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		killAll(p.cmd)
	}
}

// exchange writes a message and returns the line that answers it, without its end.
func (p *process) exchange(message []byte) ([]byte, error) {
	timeout := p.timeout
	if !p.begun {
		timeout = max(timeout, startup)
	}
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, p.kill) // also frees a write that nobody reads
	defer stop()
	_, _ = p.in.Write(message) // if it has died, the reply says so
	select {
	case line, alive := <-p.lines:
		if !alive {
			return nil, p.died(ctx, timeout)
		}
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		p.last, p.begun = string(text), true
		if !whole {
			return nil, p.cut(line)
		}
		return text, nil
	case <-ctx.Done():
		return nil, p.died(ctx, timeout)
	}
}

// cut is about a line without an end.
func (p *process) cut(line []byte) error {
	if len(line) >= maxLine {
		return p.explain(fmt.Sprintf("it printed a line of more than %d bytes", maxLine))
	}
	how := ""
	if p.await() {
		how = status(p.ended)
	}
	return p.explain("it died in the middle of a line" + how)
}

// died says why there is no reply.
func (p *process) died(ctx context.Context, timeout time.Duration) error {
	switch {
	case p.ctx.Err() != nil:
		return context.Cause(p.ctx)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.await()
		return p.explain(fmt.Sprintf("it gave no reply within %v", timeout))
	}
	return p.explain("it died" + status(p.ended))
}

// await waits a little until everything about the end of the program is known, and
// reports whether it is.
func (p *process) await() bool {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for {
		select {
		case _, alive := <-p.lines:
			if !alive {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

func status(err error) string {
	if err == nil {
		return " (exit status 0)"
	}
	return " (" + err.Error() + ")"
}

// rubbish is about a reply that couldn't be used; nil if it could.
func (p *process) rubbish(err error, reply []byte) error {
	if err == nil {
		return nil
	}
	problem := fmt.Sprintf("it printed %s, which is no reply: %v", jsonline.Quote(string(reply)), err)
	if !bytes.HasPrefix(bytes.TrimSpace(reply), []byte("{")) {
		problem += "; is that a stray print? Standard output is for replies, the rest goes to standard error"
	}
	p.last = ""
	return p.explain(problem)
}

// explain adds to a problem what the program said last. The first line has the most
// important part, for tables.
func (p *process) explain(problem string) error {
	if p.last != "" {
		problem += "; it last printed " + jsonline.Quote(p.last)
	}
	text := strings.TrimSpace(p.tail.String())
	if text == "" {
		return errors.New(problem)
	}
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		return fmt.Errorf("%s; its standard error ends with %s\n  %s", problem, jsonline.Quote(text[i+1:]), strings.ReplaceAll(text, "\n", "\n  "))
	}
	return fmt.Errorf("%s; its standard error ends with %s", problem, jsonline.Quote(text))
}

// close ends the input, and the program if that doesn't.
func (p *process) close() error {
	_ = p.in.Close()
	ctx, cancel := context.WithTimeout(p.ctx, grace)
	defer cancel()
	select {
	case line, alive := <-p.lines:
		if alive {
			p.last = ""
			return p.explain(fmt.Sprintf("it printed %s without being asked: each message has one line as a reply", jsonline.Quote(string(bytes.TrimSpace(line)))))
		}
	case <-ctx.Done():
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if n := len(t.b) - maxTail; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.b), "?")
}
