package trace

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/units"
)

var rewrite = flag.Bool("rewrite", false, "write the golden errors anew; only commit changes that you understand")

// Every hostile file gives the error that testdata/errors.txt has for it.
func TestHostileFiles(t *testing.T) {
	var got strings.Builder
	for _, dir := range []string{"mahimahi", "opennetlab"} {
		files, err := filepath.Glob("testdata/" + dir + "/*")
		if err != nil || len(files) == 0 {
			t.Fatal("no files", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			if dir == "mahimahi" {
				_, err = ReadMahimahi(bytes.NewReader(data), name)
			} else {
				_, err = ReadOpenNetLab(bytes.NewReader(data), name)
			}
			if err == nil {
				t.Errorf("%s: no error", file)
				continue
			}
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), ": write ") {
				t.Errorf("%s: %q isn't one line that says what to write", file, err)
			}
			fmt.Fprintln(&got, err)
		}
	}
	const golden = "testdata/errors.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	if len(wantLines) != len(gotLines) {
		t.Fatalf("%d errors, want %d", len(gotLines), len(wantLines))
	}
	for i := range wantLines {
		if wantLines[i] != gotLines[i] {
			t.Errorf("got  %s\nwant %s", gotLines[i], wantLines[i])
		}
	}
}

// endless is a file that never ends.
type endless string

func (e endless) Read(b []byte) (int, error) {
	n := 0
	for n+len(e) <= len(b) {
		n += copy(b[n:], e)
	}
	return max(n, min(1, len(b))), nil
}

func TestReadingStopsAtTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	if _, err := ReadMahimahi(endless("1\n"), "x"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadOpenNetLab(endless("  "), "x"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

func TestTooManySteps(t *testing.T) {
	file := `{"uplink":{"trace_pattern":[{"duration":1,"capacity":1},{"duration":1,"capacity":1}]}}`
	p := newONLParser([]byte(file), "x")
	p.steps = MaxSteps - 2
	if _, err := p.document(); err != nil {
		t.Errorf("got %v for as many as are allowed", err)
	}
	p = newONLParser([]byte(file), "x")
	p.steps = MaxSteps - 1
	if _, err := p.document(); err == nil || !strings.Contains(err.Error(), "too many steps") {
		t.Errorf("got %v for one more", err)
	}
}

func TestReadMahimahi(t *testing.T) {
	o, err := ReadMahimahi(strings.NewReader("0\n7\n7\n10\n14"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint32{0, 7, 7, 10, 14}; !reflect.DeepEqual(o.Milliseconds, want) {
		t.Errorf("got %v, want %v", o.Milliseconds, want)
	}
	if o.Period() != 14*time.Millisecond {
		t.Errorf("period %v, want 14 ms", o.Period())
	}
	// One opportunity a millisecond is what the README of mahimahi's traces
	// calls 12 Mbit/s, counted with the octets of TUN here.
	if r := (&Opportunities{Milliseconds: []uint32{1}}).MeanRate(); r != 12_032_000 {
		t.Errorf("mean rate %v, want 12.032 Mbit/s", r)
	}
}

func TestReadOpenNetLab(t *testing.T) {
	o, err := ReadOpenNetLab(strings.NewReader(`{
	  "type": "video",
	  "downlink": {},
	  "uplink": {"trace_pattern": [
	    {"duration": 60000, "capacity": 300, "loss": 0.1, "rtt": 85, "jitter": 0},
	    {"duration": 1.5, "capacity": 0.25, "time": 60000},
	    {"capacity": 0, "duration": 100, "jitter": 2.5}
	  ]}}`), "x")
	if err != nil {
		t.Fatal(err)
	}
	rate := func(r units.BitRate) *units.BitRate { return &r }
	duration := func(d time.Duration) *time.Duration { return &d }
	loss := 0.1
	want := &OpenNetLab{Type: "video", Uplink: &Trace{
		Steps: []Step{
			{0, rate(300_000), duration(42500 * time.Microsecond), &loss, duration(0)},
			{60 * time.Second, rate(250), nil, nil, nil},
			{60*time.Second + 1500*time.Microsecond, rate(0), nil, nil, duration(2500 * time.Microsecond)},
		},
		Length: 60*time.Second + 101500*time.Microsecond, Repeat: true,
	}}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v, want %+v", o.Uplink, want.Uplink)
	}
}

// A trace with all four quantities is written, exactly, and read again.
func TestWriteOpenNetLab(t *testing.T) {
	leo, err := LEO().Generate(time.Minute, stream())
	if err != nil {
		t.Fatal(err)
	}
	lte, err := LTE().Generate(time.Minute, stream())
	if err != nil {
		t.Fatal(err)
	}
	want := &OpenNetLab{Type: "both", Uplink: &lte, Downlink: &leo}
	var b bytes.Buffer
	if err := WriteOpenNetLab(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadOpenNetLab(&b, "x")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("another trace was read than written; error %v", err)
	}
}

// FuzzReadMahimahi: what can be read is written and read again to the same.
func FuzzReadMahimahi(f *testing.F) {
	seed(f, "testdata/mahimahi/*")
	f.Add([]byte("0\n1\n1\n007\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ReadMahimahi(bytes.NewReader(data), "x")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		var b bytes.Buffer
		if err := WriteMahimahi(&b, o); err != nil {
			t.Fatalf("not written: %v", err)
		}
		again, err := ReadMahimahi(&b, "again")
		if err != nil || !reflect.DeepEqual(o, again) {
			t.Fatalf("read %v again as %v, %v", o, again, err)
		}
	})
}

// FuzzReadOpenNetLab: what can be read passes Check, and is written and read
// again to the same.
func FuzzReadOpenNetLab(f *testing.F) {
	seed(f, "testdata/opennetlab/*")
	f.Add([]byte(`{"type":"\ud800","downlink":{"trace_pattern":[{"duration":0.1234567,"capacity":0.12345,"loss":1e-300,"rtt":0.0000011,"jitter":7}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ReadOpenNetLab(bytes.NewReader(data), "x")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		for _, trace := range []*Trace{o.Uplink, o.Downlink} {
			if trace == nil {
				continue
			}
			if err := trace.Check(); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := WriteOpenNetLab(&b, o); err != nil {
			t.Fatalf("not written: %v", err)
		}
		text := b.String()
		again, err := ReadOpenNetLab(&b, "again")
		if err != nil || !reflect.DeepEqual(o, again) {
			t.Fatalf("read\n%s\nagain as %+v, %v", text, again, err)
		}
	})
}

func seed(f *testing.F, pattern string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}
