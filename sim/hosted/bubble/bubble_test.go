package bubble_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rtpfabric/sim/hosted/bubble"
)

func TestTimeIsVirtual(t *testing.T) {
	began := time.Now()
	var from, to time.Time
	err := bubble.Run(time.Minute, func() error {
		from = time.Now()
		time.Sleep(1000 * time.Hour)
		synctest.Wait()
		to = time.Now()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); !from.Equal(want) {
		t.Errorf("time begins at %v, want %v", from.UTC(), want)
	}
	if d := to.Sub(from); d != 1000*time.Hour {
		t.Errorf("%v passed in the bubble, want 1000 h", d)
	}
	if d := time.Since(began); d > time.Minute {
		t.Errorf("and %v outside", d)
	}
}

func TestErrorComesBack(t *testing.T) {
	want := errors.New("no")
	if err := bubble.Run(time.Minute, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// What goes wrong in a bubble is an error of that run, which says where, and no other run's business.
func TestFailures(t *testing.T) {
	lock := make(chan bool, 1)
	release := make(chan bool)
	defer close(release)
	for _, c := range []struct {
		name         string
		wall         time.Duration
		f            func() error
		reason, dump string
	}{
		{"panic", time.Minute, func() error { panic("a bug") }, "panic: a bug", "TestFailures"},
		{"goexit", time.Minute, func() error { runtime.Goexit(); return nil }, "f ended its goroutine", ""},
		{"deadlock", time.Minute, deadlock, "deadlock: all goroutines in bubble are blocked", "bubble_test.deadlock"},
		{"left over", time.Minute, func() error { go sleepLong(); return nil }, "blocked goroutines remain", "bubble_test.sleepLong"},
		// What waits for the world outside keeps time from passing.
		{"stuck", 300 * time.Millisecond, func() error { lock <- true; <-release; return nil }, "not over after 300ms", "TestFailures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := bubble.Run(c.wall, c.f)
			if err == nil || !strings.Contains(err.Error(), c.reason) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %q, want one line with %q", err, c.reason)
			}
			var f *bubble.Failure
			if errors.As(err, &f) != (c.dump != "") {
				t.Fatalf("got a %T", err)
			}
			if f != nil && (!strings.Contains(f.Dump, c.dump) || strings.Contains(f.Dump, "testing.(*M).Run(")) {
				t.Errorf("the dump isn't of the bubble's goroutines, with %s:\n%s", c.dump, f.Dump)
			}
		})
	}
	if err := bubble.Run(time.Minute, func() error { time.Sleep(time.Second); return nil }); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func deadlock() error {
	<-make(chan bool)
	return nil
}

func sleepLong() { time.Sleep(time.Hour) }

// Many bubbles, one after the other and at the same time, leave nothing behind.
func TestManyBubbles(t *testing.T) {
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 500 {
				err := bubble.Run(time.Minute, func() error {
					ticks := time.NewTicker(time.Second)
					defer ticks.Stop()
					for range 10 {
						<-ticks.C
					}
					return nil
				})
				if err != nil {
					t.Errorf("worker %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	for range 100 { // what ends needs its time
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// An ordinary program, also with the race detector, gets no flags, prints nothing and doesn't end.
func TestOrdinaryProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	for _, flags := range [][]string{nil, {"-race"}} {
		t.Run(strings.Join(flags, ""), func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			build := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), "./testdata/program")...)
			if out, err := build.CombinedOutput(); err != nil {
				if flags != nil && strings.Contains(string(out), "cgo") {
					t.Skip("the race detector needs a C compiler here")
				}
				t.Fatalf("%v\n%s", err, out)
			}
			out, err := exec.Command(program).CombinedOutput()
			if want := "flags: 0\nslept 1h0m0s\nstill here\n"; err != nil || string(out) != want {
				t.Errorf("got %v and\n%swant\n%s", err, out, want)
			}
		})
	}
}

func ExampleRun() {
	err := bubble.Run(time.Minute, func() error {
		time.Sleep(24 * time.Hour)
		_, err := fmt.Fprintln(os.Stdout, time.Now().UTC().Format(time.DateOnly))
		return err
	})
	fmt.Println(err)
	// Output:
	// 2000-01-02
	// <nil>
}

func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := bubble.Run(0, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
