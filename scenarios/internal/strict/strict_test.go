package strict

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/sim/units"
)

type sample struct {
	Text   string          `yaml:"text"`
	Choice string          `yaml:"choice" oneof:"red,green" default:"green"`
	Flag   bool            `yaml:"flag" default:"true"`
	Count  int             `yaml:"count" default:"2" min:"1" max:"5"`
	Large  uint64          `yaml:"large"`
	Float  float64         `yaml:"float"`
	Time   time.Duration   `yaml:"time" default:"300ms"`
	Rate   *units.BitRate  `yaml:"rate"`
	Ratio  units.Ratio     `yaml:"ratio"`
	List   []string        `yaml:"list"`
	Part   *part           `yaml:"part"`
	Named  []part          `yaml:"named,named"`
	Any    []parameter     `yaml:"any,named"`
	Value  *string         `yaml:"value,scalar"`
	Level  inlined         `yaml:",inline"`
	Other  map[string]bool `yaml:"other,apart"`
}

type part struct {
	Name string      `yaml:"-"`
	Size units.Bytes `yaml:"size,required" example:"10B"`
}

type parameter struct {
	Name  string `yaml:"-"`
	Value string `yaml:",scalar"`
}

type inlined struct {
	Deep string `yaml:"deep"`
}

func decode(t *testing.T, text string) (*sample, error) {
	t.Helper()
	doc, err := Parse("f", []byte(text))
	if err != nil {
		return nil, err
	}
	s := &sample{}
	_, err = Decode(doc.Source, doc.Root, s)
	return s, err
}

func TestDecodeEveryType(t *testing.T) {
	got, err := decode(t, `
text: hello
choice: red
flag: false
count: 3
large: 18446744073709551615
float: -1.5e3
time: 1m30s
rate: 1.5Mbps
ratio: 5%
list: [a, "1"]
part: {size: 3kB}
named: {b: {size: 1B}, a: {size: 2B}}
any: {x: 1.50, y: true, z: text}
value: 3
deep: down
other: whatever
`)
	if err != nil {
		t.Fatal(err)
	}
	rate, value := 1500*units.Kbps, "3"
	want := &sample{
		Text: "hello", Choice: "red", Count: 3, Large: 1<<64 - 1, Float: -1500, Time: 90 * time.Second,
		Rate: &rate, Ratio: 0.05, List: []string{"a", "1"}, Part: &part{Size: 3000},
		Named: []part{{"b", 1}, {"a", 2}}, Any: []parameter{{"x", "1.50"}, {"y", "true"}, {"z", "text"}},
		Value: &value, Level: inlined{"down"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaultsOfAbsentFields(t *testing.T) {
	got, err := decode(t, "text: x")
	if err != nil {
		t.Fatal(err)
	}
	want := &sample{Text: "x", Choice: "green", Flag: true, Count: 2, Time: 300 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"count: 0", `f:1:8: count: 0 is too small; write 1 to 5`},
		{"count: 6", `f:1:8: count: 6 is too large; write 1 to 5`},
		{"count: 0x2", `f:1:8: count: "0x2" is not a whole number; write digits only, like 12`},
		{"count: 1_0", `f:1:8: count: "1_0" is not a whole number; write digits only, like 12`},
		{"count: 99999999999999999999", `f:1:8: count: 99999999999999999999 is too large; write a smaller number`},
		{"float: 1_0", `f:1:8: float: "1_0" is not a plain decimal number; write digits, like 30 or 0.5`},
		{"float: 1e999", `f:1:8: float: "1e999" is not a plain decimal number; write digits, like 30 or 0.5`},
		{"flag: True", `f:1:7: flag: "True" is not true or false; write true or false`},
		{`flag: "true"`, `f:1:7: flag: "true" is a text; write true or false without quotes`},
		{"text: ~", `f:1:7: text: there is no value; write a single value, or remove the field`},
		{"text: true", `f:1:7: text: true is true or false where a text is expected; put it in quotes, "true"`},
		{"choice: 5", `f:1:9: choice: "5" is not possible; possible values are red, green`},
		{"choice: gren", `f:1:9: choice: "gren" is not possible; did you mean "green"?`},
		{"part: {}", `f:1:1: part.size: is missing; add "size: 10B"`},
		{"part: 3", `f:1:7: part: the single value "3" stands here; write fields, like {size: 10B}`},
		{"named: {x: 3}", `f:1:12: named.x: the single value "3" stands here; write fields, like {size: 10B}`},
		{"any: {x: [1]}", `f:1:10: any.x: a list stands here; write a single value`},
		{"value: {a: 1}", `f:1:8: value: a mapping of fields stands here; write a single value`},
		{"list: [a, [b]]", `f:1:11: list.1: a list stands here; write a single value`},
		{"deeep: x", `f:1:1: deeep: unknown field; did you mean "deep"?`},
	}
	for _, tt := range tests {
		if _, err := decode(t, tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	doc, err := Parse("f", []byte("part:\n  size: 3B\nlist:\n  - a\n  - b\n"))
	if err != nil {
		t.Fatal(err)
	}
	places, err := Decode(doc.Source, doc.Root, &sample{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path       Path
		key, value Place
	}{
		{Path{"part", "size"}, Place{Line: 2, Column: 3}, Place{Line: 2, Column: 9}},
		{Path{"list", "1"}, Place{Line: 5, Column: 5}, Place{Line: 5, Column: 5}},
		{Path{"part", "absent", "x"}, Place{Line: 1, Column: 1}, Place{Line: 1, Column: 1}},
		{Path{"absent"}, Place{Line: 1, Column: 1}, Place{Line: 1, Column: 1}},
	} {
		if k, v := places.Key(tt.path), places.Value(tt.path); k != tt.key || v != tt.value {
			t.Errorf("%s: got %v and %v, want %v and %v", tt.path, k, v, tt.key, tt.value)
		}
	}
}

func TestErrorsAreSortedAndLimited(t *testing.T) {
	var text strings.Builder
	for i := range 14 {
		fmt.Fprintf(&text, "x%d: 1\n", i)
	}
	_, err := decode(t, text.String())
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 11 || lines[10] != "f: 4 more errors" || !strings.HasPrefix(lines[9], "f:10:1: x9: ") {
		t.Errorf("got %d lines:\n%s", len(lines), err)
	}
	var one *Error
	if !errors.As(err, &one) || one.Path.String() != "x0" {
		t.Errorf("the first error is %v", one)
	}
}

// Whatever a text is, it comes back from its written form.
func TestEncodeTexts(t *testing.T) {
	texts := []string{
		"plain", "5", "true", "null", "~", "yes", "2026-01-31", "a: b", "a #b", "- a", " a", "a ", "", "%", "@x", "'", `"`, `\`,
		"a\nb\n", "a\nb", "a\n\nb\n", "\n", " a\nb\n", "a\n b\n", "a\t\n", "tab\there", "é", "\u0085", "\u2028", "\ufeff", "\x00", "\x7f",
		"---", "...", "?", "a,b", "[a", "{a", "*a", "&a", "!a", "|", ">", "0x1", "1e3", ".inf", "=", "<<", "😀", "#a\n#b\n", "---\n",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString([]string{"a", "\n", " ", ":", "#", "-", "\t", `"`, "1", "\r", "é"}[r.IntN(11)])
		}
		texts = append(texts, b.String())
	}
	for _, text := range texts {
		value := strings.TrimSpace(text)
		want := &sample{Text: text, Choice: "red", Count: 1, List: []string{text}, Any: []parameter{{"k" + text, value}}, Value: &value}
		written := Encode(want)
		got, err := decode(t, written)
		if err != nil {
			t.Errorf("%q is written as\n%s\nwhich gives %v", text, written, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q is written as\n%s\n(-want +got):\n%s", text, written, diff)
		}
	}
}

func TestEncodeIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		rate := units.BitRate(r.Float64() * 1e12)
		want := &sample{
			Choice: "red", Count: 1, Large: r.Uint64(), Float: r.NormFloat64() * 1e3,
			Time: time.Duration(r.Int64N(1 << r.IntN(62))), Rate: &rate, Ratio: units.Ratio(r.Float64()),
		}
		got, err := decode(t, Encode(want))
		if err != nil {
			t.Fatalf("%v\n%s", err, Encode(want))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1: "1ns", 1500: "1.5us", 300 * time.Millisecond: "300ms", 1500 * time.Millisecond: "1.5s",
		100 * time.Second: "100s", time.Second + 1: "1.000000001s", -1500 * time.Microsecond: "-1.5ms",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%d ns is written %s, want %s", d, got, want)
		}
	}
}

type program struct {
	Tool  string   `yaml:"tool" default:"none"`
	Built *builder `yaml:"tool,mapping"`
}

type builder struct {
	Exec []string `yaml:"exec,required" example:"[a, b]"`
	Fast bool     `yaml:"fast" default:"true"`
}

// A field with two forms is a single value or a mapping, and is written as it was read.
func TestTwoForms(t *testing.T) {
	for _, c := range []struct {
		text, err string
		want      program
		written   string
	}{
		{text: "{}", want: program{Tool: "none"}, written: "tool: none\n"},
		{text: "tool: saw", want: program{Tool: "saw"}, written: "tool: saw\n"},
		{text: "tool: {exec: [x]}", want: program{Built: &builder{[]string{"x"}, true}}, written: "tool:\n  exec: [x]\n  fast: true\n"},
		{text: "tool: {fast: false}", err: `f:1:1: tool.exec: is missing; add "exec: [a, b]"`},
		{text: "tool: {exec: [x], fats: true}", err: `f:1:19: tool.fats: unknown field; did you mean "fast"?`},
		{text: "tool: [x]", err: "f:1:7: tool: a list stands here; write a single value"},
	} {
		doc, err := Parse("f", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		var got program
		_, err = Decode(doc.Source, doc.Root, &got)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.text, d)
		}
		if w := Encode(&got); w != c.written {
			t.Errorf("%s is written as\n%s", c.text, w)
		}
		if _, err := Route(doc.Root, &got, "tool.fast"); err != nil {
			t.Errorf("%s: the path into the mapping: %v", c.text, err)
		}
		if _, err := Route(doc.Root, &got, "tool.slow"); err == nil {
			t.Errorf("%s: tool.slow is a path", c.text)
		}
	}
}

func TestRoute(t *testing.T) {
	doc, err := Parse("f", []byte("named: {a: {size: 1B}, a.b: {size: 1B}}\nlist: [x, y]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dotted string
		want   Path
		err    string
	}{
		{"part.size", Path{"part", "size"}, ""},
		{"named.a.size", Path{"named", "a", "size"}, ""},
		{"named.a.b.size", Path{"named", "a.b", "size"}, ""},
		{"list.1", Path{"list", "1"}, ""},
		{"any.new.one", Path{"any", "new.one"}, ""},
		{"deep", Path{"deep"}, ""},
		{"list.2", nil, `there is no item "2" in list; its items are 0 to 1`},
		{"list.01", nil, `there is no item "01" in list; its items are 0 to 1`},
		{"list.-1", nil, `there is no item "-1" in list; its items are 0 to 1`},
		{"named.c.size", nil, `there is no "c" in named; the names there are a, a.b`},
		{"named.a.sise", nil, `there is no field "sise" in named.a; did you mean "size"?`},
		{"count.x", nil, `count is a single value, so nothing lies inside it; end the path there`},
		{"other.x", nil, `"other" can't be varied or set; name a field of the scenario, like congestion.controller`},
		{"", nil, `"" is not a path; write field names with dots between them, like congestion.controller`},
		{"list..1", nil, `"list..1" is not a path; write field names with dots between them, like congestion.controller`},
	} {
		got, err := Route(doc.Root, &sample{}, tt.dotted)
		text := ""
		var e *Error
		if errors.As(err, &e) {
			text = e.Problem + "; " + e.Remedy
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || text != tt.err {
			t.Errorf("%s: got %v, %q; want %v, %q", tt.dotted, got, text, tt.want, tt.err)
		}
	}
}

func TestReplaceLeavesTheTreeAlone(t *testing.T) {
	doc, err := Parse("f", []byte("part: {size: 1B}\nlist: [a, b]\n"))
	if err != nil {
		t.Fatal(err)
	}
	before := Flow(doc.Root)
	value, err := ParseValue(doc.Source, 0, "[c, d]")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path Path
		want string
	}{
		{Path{"part", "size"}, "{part: {size: [c, d]}, list: [a, b]}"},
		{Path{"list", "0"}, "{part: {size: 1B}, list: [[c, d], b]}"},
		{Path{"new", "deep"}, "{part: {size: 1B}, list: [a, b], new: {deep: [c, d]}}"},
	} {
		tree, err := Replace(doc.Root, tt.path, value)
		if err != nil || Flow(tree) != tt.want {
			t.Errorf("%s: got %v %v, want %s", tt.path, Flow(tree), err, tt.want)
		}
	}
	if _, err := Replace(doc.Root, Path{"list", "7"}, value); err == nil {
		t.Error("an item that doesn't exist was replaced")
	}
	if after := Flow(doc.Root); after != before {
		t.Errorf("the tree became %s", after)
	}
}

func TestNearest(t *testing.T) {
	valid := []string{"delay", "rate", "schedule", "queue-delay-p95"}
	for word, want := range map[string]string{
		"dely": "delay", "deally": "delay", "edlay": "delay", "Rate": "rate", "rat": "rate", "shcedule": "schedule",
		"queue-dely-p59": "queue-delay-p95", "zzz": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := nearest(word, valid); got != want {
			t.Errorf("%q suggests %q, want %q", word, got, want)
		}
	}
}
