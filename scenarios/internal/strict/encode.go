package strict

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Encode writes a struct as YAML that decodes to the same struct. Fields stand
// in the order of the type. Nil pointers, empty lists and empty texts are left
// out; what has a default in the type is written out.
func Encode(from any) string {
	var e encoder
	e.fields(reflect.ValueOf(from).Elem(), 0)
	return e.b.String()
}

type encoder struct{ b strings.Builder }

func (e *encoder) line(indent int, text string) {
	e.b.WriteString(strings.Repeat("  ", indent) + text + "\n")
}

func (e *encoder) fields(v reflect.Value, indent int) {
	for _, f := range structureOf(v.Type()).fields {
		x := v.FieldByIndex(f.index)
		if m := f.fields; m != nil && !absent(v.FieldByIndex(m.index)) {
			e.section(f.name, v.FieldByIndex(m.index).Elem(), indent, true)
			continue
		}
		if f.apart || absent(x) {
			continue
		}
		if x.Kind() == reflect.Pointer {
			x = x.Elem()
		}
		switch {
		case isScalar(x.Type()):
			e.scalar(indent, quote(f.name)+": ", x, f.scalar)
		case f.named:
			e.line(indent, f.name+":")
			e.named(x, indent+1)
		case x.Kind() == reflect.Slice:
			e.list(f.name, x, indent)
		default:
			e.section(f.name, x, indent, f.required)
		}
	}
}

// absent reports whether a field needn't be written.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Slice: // an empty list of words may differ from none
		return v.Len() == 0 && (v.IsNil() || !isScalar(v.Type().Elem()))
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

// section writes a struct under its name. If all its fields are absent it
// writes {} or, unless the section must be there, nothing.
func (e *encoder) section(name string, v reflect.Value, indent int, required bool) {
	var inner encoder
	inner.fields(v, indent+1)
	if inner.b.Len() == 0 {
		if required {
			e.line(indent, quote(name)+": {}")
		}
		return
	}
	e.line(indent, quote(name)+":")
	e.b.WriteString(inner.b.String())
}

func (e *encoder) named(v reflect.Value, indent int) {
	for i := range v.Len() {
		s := structureOf(v.Type().Elem())
		name := v.Index(i).FieldByIndex(s.nameIndex).String()
		if s.whole != nil {
			e.scalar(indent, quote(name)+": ", v.Index(i).FieldByIndex(s.whole.index), true)
			continue
		}
		e.section(name, v.Index(i), indent, true)
	}
}

func (e *encoder) list(name string, v reflect.Value, indent int) {
	if isScalar(v.Type().Elem()) {
		var items []string
		for i := range v.Len() {
			items = append(items, quoteValue(v.Index(i), false))
		}
		e.line(indent, name+": ["+strings.Join(items, ", ")+"]")
		return
	}
	e.line(indent, name+":")
	if v.Type().Elem().Kind() == reflect.Slice { // of scalars
		for i := range v.Len() {
			var items []string
			for j := range v.Index(i).Len() {
				items = append(items, quoteValue(v.Index(i).Index(j), false))
			}
			e.line(indent+1, "- ["+strings.Join(items, ", ")+"]")
		}
		return
	}
	for i := range v.Len() {
		var item encoder
		item.fields(v.Index(i), indent+2)
		if item.b.Len() == 0 {
			e.line(indent+1, "- {}")
			continue
		}
		at := 2 * (indent + 1)
		text := item.b.String()
		e.b.WriteString(text[:at] + "- " + text[at+2:])
	}
}

func (e *encoder) scalar(indent int, head string, v reflect.Value, anyScalar bool) {
	if v.Kind() == reflect.String && isBlock(v.String()) {
		e.line(indent, head+"|")
		for l := range strings.SplitSeq(strings.TrimSuffix(v.String(), "\n"), "\n") {
			e.line(indent+1, l)
		}
		return
	}
	e.line(indent, head+quoteValue(v, anyScalar))
}

func quoteValue(v reflect.Value, anyScalar bool) string {
	text := formatText(v)
	if v.Kind() != reflect.String || anyScalar && decimalNumber.MatchString(text) {
		return text
	}
	return quote(text)
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9 ._/%+-]*[A-Za-z0-9%])?$`)
	blockLine = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)
)

// quote writes a text plainly if YAML reads it back as that text, else in
// double quotes.
func quote(s string) string {
	if plainText.MatchString(s) && (&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag() == "!!str" {
		return s
	}
	return strconv.Quote(s)
}

// isBlock reports whether a text of several lines can be written as a block.
func isBlock(s string) bool {
	body, ok := strings.CutSuffix(s, "\n")
	if !ok {
		return false
	}
	for l := range strings.SplitSeq(body, "\n") {
		if !blockLine.MatchString(l) {
			return false
		}
	}
	return true
}
