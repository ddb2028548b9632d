package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// ReadOpenNetLab reads a trace file. name is the file's name in errors. Unknown
// and repeated fields are errors.
func ReadOpenNetLab(r io.Reader, name string) (*OpenNetLab, error) {
	data, err := readAll(r)
	if errors.Is(err, errTooLarge) {
		return nil, &FileError{name, 0, 0, "file", fmt.Sprintf("it is larger than %d octets", MaxFile), "a shorter trace"}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := newONLParser(data, name)
	if i := invalidUTF8(data); i >= 0 {
		return nil, p.errorAt(int64(i), "file", "the text is not UTF-8", "UTF-8 or plain ASCII")
	}
	return p.document()
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// onlParser reads token by token, so that errors have a place and nothing is
// built that the format doesn't know.
type onlParser struct {
	file  string
	data  []byte
	dec   *json.Decoder
	steps int
	start int64 // of the token read last
}

func newONLParser(data []byte, file string) *onlParser {
	p := &onlParser{file: file, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	return p
}

// errorAt makes an error about what stands at an offset.
func (p *onlParser) errorAt(offset int64, field, problem, remedy string) error {
	before := p.data[:min(offset, int64(len(p.data)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	col := len(before) - bytes.LastIndexByte(before, '\n')
	return &FileError{p.file, line, col, field, problem, remedy}
}

// wrong makes an error about the token read last.
func (p *onlParser) wrong(field, problem, remedy string) error {
	return p.errorAt(p.start, field, problem, remedy)
}

// token reads the next one.
func (p *onlParser) token(field string) (json.Token, error) {
	t, err := p.dec.Token()
	end := p.dec.InputOffset()
	if err == nil {
		p.start = end - tokenLength(p.data[:end], t)
		return t, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, p.errorAt(int64(len(p.data)), field, "the file ends too early", "the rest of the JSON object")
	case errors.As(err, &syntax):
		return nil, p.errorAt(max(end, syntax.Offset-1), field, "this is not JSON: "+syntax.Error(), "valid JSON")
	}
	return nil, p.errorAt(end, field, "this is not JSON: "+err.Error(), "valid JSON")
}

// tokenLength returns how many octets at the end of data are the token.
func tokenLength(data []byte, t json.Token) int64 {
	switch v := t.(type) {
	case json.Number:
		return int64(len(v))
	case bool:
		return int64(len(strconv.FormatBool(v)))
	case nil:
		return int64(len("null"))
	case string:
		for i := len(data) - 2; i >= 0; i-- {
			if data[i] != '"' {
				continue
			}
			slashes := 0
			for j := i - 1; j >= 0 && data[j] == '\\'; j-- {
				slashes++
			}
			if slashes%2 == 0 {
				return int64(len(data) - i)
			}
		}
	}
	return 1
}

// open reads the given bracket.
func (p *onlParser) open(bracket json.Delim, field, what string) error {
	t, err := p.token(field)
	if err == nil && t != bracket {
		err = p.wrong(field, describe(t)+" is not "+what, what+", which starts with "+bracket.String())
	}
	return err
}

// object reads an object whose fields value reads, each of which may come once.
// known says what the fields are.
func (p *onlParser) object(field, known string, value func(name, path string) (bool, error)) error {
	if err := p.open('{', field, "an object"); err != nil {
		return err
	}
	var seen []string // few: unknown ones end the reading
	for {
		t, err := p.token(field)
		if err != nil {
			return err
		}
		if t == json.Delim('}') {
			return nil
		}
		name := t.(string) // the decoder lets nothing else be a name
		path := name
		if field != "file" {
			path = field + "." + name
		}
		for _, s := range seen {
			if s == name {
				return p.wrong(path, "it comes a second time", "it once")
			}
		}
		seen = append(seen, name)
		nameAt := p.start
		ok, err := value(name, path)
		if err != nil {
			return err
		}
		if !ok {
			return p.errorAt(nameAt, field, "there is no field "+quote(name), known)
		}
	}
}

// document reads the whole.
func (p *onlParser) document() (*OpenNetLab, error) {
	o := &OpenNetLab{}
	err := p.object("file", "type, uplink or downlink", func(name, path string) (ok bool, err error) {
		switch name {
		case "type":
			o.Type, err = p.text(path)
		case "uplink":
			o.Uplink, err = p.direction(path)
		case "downlink":
			o.Downlink, err = p.direction(path)
		default:
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	end := p.dec.InputOffset()
	if rest := bytes.TrimLeft(p.data[end:], " \t\r\n"); len(rest) > 0 {
		return nil, p.errorAt(int64(len(p.data)-len(rest)), "file", "something follows the object", "nothing after it")
	}
	if o.Uplink == nil && o.Downlink == nil {
		return nil, p.errorAt(0, "file", "neither direction has a step", "uplink or downlink with a trace_pattern")
	}
	return o, nil
}

func (p *onlParser) text(field string) (string, error) {
	t, err := p.token(field)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", p.wrong(field, describe(t)+" is not a text", `a text, like "video"`)
	}
	if len(s) > 100 {
		return "", p.wrong(field, "the text is too long", "at most 100 octets")
	}
	return s, nil
}

// direction reads the steps of one direction; nil if there are none.
func (p *onlParser) direction(field string) (*Trace, error) {
	var t *Trace
	err := p.object(field, "trace_pattern", func(name, path string) (ok bool, err error) {
		if name != "trace_pattern" {
			return false, nil
		}
		t, err = p.pattern(path)
		return true, err
	})
	return t, err
}

func (p *onlParser) pattern(field string) (*Trace, error) {
	if err := p.open('[', field, "a list"); err != nil {
		return nil, err
	}
	t := &Trace{Repeat: true}
	clock := -1.0 // the last "time"
	for p.dec.More() {
		path := fmt.Sprintf("%s[%d]", field, len(t.Steps))
		if p.steps++; p.steps > MaxSteps {
			return nil, p.wrong(path, "there are too many steps", fmt.Sprintf("at most %d", MaxSteps))
		}
		s, start, err := p.step(path)
		if err != nil {
			return nil, err
		}
		if s.time.given {
			if s.time.value < clock {
				return nil, p.errorAt(start, path+".time", "it is before the one of an earlier step", "times that ascend")
			}
			clock = s.time.value
		}
		step, length := s.step(t.Length)
		if length < time.Millisecond {
			return nil, p.errorAt(start, path+".duration", "it is shorter than a millisecond", "a number of milliseconds from 1 on")
		}
		t.Steps = append(t.Steps, step)
		if t.Length += length; t.Length > MaxLength {
			return nil, p.errorAt(start, path+".duration", "the trace is longer than a week", fmt.Sprintf("at most %v in all", MaxLength))
		}
	}
	if _, err := p.token(field); err != nil { // the closing bracket
		return nil, err
	}
	if len(t.Steps) == 0 {
		return nil, nil
	}
	return t, nil
}

// step reads one step, and returns where it starts.
func (p *onlParser) step(field string) (s onlStep, start int64, err error) {
	first := true
	err = p.object(field, onlFields, func(name, path string) (bool, error) {
		if first {
			start, first = p.start, false
		}
		n, most := s.field(name)
		if n == nil {
			return false, nil
		}
		v, err := p.number(path, most)
		*n = onlNumber{v, true}
		return true, err
	})
	switch {
	case err != nil:
	case !s.duration.given:
		err = p.wrong(field+".duration", "it is missing", "a number of milliseconds from 1 on")
	case !s.capacity.given:
		err = p.wrong(field+".capacity", "it is missing", "a number of kbit/s")
	}
	if first {
		start = p.start
	}
	return s, start, err
}

// number reads one from 0 to most.
func (p *onlParser) number(field string, most float64) (float64, error) {
	t, err := p.token(field)
	if err != nil {
		return 0, err
	}
	limit := "a number from 0 to " + strconv.FormatFloat(most, 'f', -1, 64)
	n, ok := t.(json.Number)
	if !ok {
		return 0, p.wrong(field, describe(t)+" is not a number", limit)
	}
	v, err := strconv.ParseFloat(string(n), 64)
	if err != nil || v < 0 || v > most {
		return 0, p.wrong(field, quote(string(n))+" is out of range", limit)
	}
	return v, nil
}

// describe names a token in an error.
func describe(t json.Token) string {
	switch v := t.(type) {
	case json.Delim:
		return quote(v.String())
	case json.Number:
		return quote(string(v))
	case string:
		return quote(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}
