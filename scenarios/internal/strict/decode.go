package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Decode reads a tree as [Parse] returns it into a struct. It returns all
// errors it finds, or where each field stands.
func Decode(src *Source, root *yaml.Node, into any) (*Places, error) {
	d := decoder{src: src, places: &Places{at: map[string]found{}}}
	d.mapping(root, reflect.ValueOf(into).Elem(), nil)
	if len(d.errs) > 0 {
		return nil, src.Errors(d.errs...)
	}
	return d.places, nil
}

type decoder struct {
	src    *Source
	places *Places
	errs   []*Error
}

func (d *decoder) fail(at Place, p Path, problem, remedy string) {
	d.errs = append(d.errs, &Error{Place: at, Path: p, Problem: problem, Remedy: remedy})
}

// value decodes a node into v, which f describes; f is nil for an item of a
// list.
func (d *decoder) value(n *yaml.Node, v reflect.Value, p Path, f *field) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		d.fail(placeOf(n), p, "there is no value", "write "+expected(v.Type(), f)+", or remove the field")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case f != nil && f.named:
		d.namedItems(n, v, p)
	case isScalar(v.Type()):
		d.scalar(n, v, p, f)
	case v.Kind() == reflect.Slice:
		d.list(n, v, p)
	default:
		d.mapping(n, v, p)
	}
}

func (d *decoder) wantKind(n *yaml.Node, kind yaml.Kind, t reflect.Type, p Path, f *field) bool {
	if n.Kind == kind {
		return true
	}
	d.fail(placeOf(n), p, describe(n)+" stands here", "write "+expected(t, f))
	return false
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, p Path) {
	s := structureOf(v.Type())
	if s.whole != nil {
		d.scalar(n, v.FieldByIndex(s.whole.index), p, s.whole)
		return
	}
	if !d.wantKind(n, yaml.MappingNode, v.Type(), p, nil) {
		return
	}
	present := make([]bool, len(s.fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := p.Child(key.Value)
		at, known := s.byName[key.Value]
		if !known {
			d.fail(placeOf(key), path, "unknown field", Instead(key.Value, s.names, "the fields here"))
			continue
		}
		present[at] = true
		d.places.note(path, placeOf(key), placeOf(value))
		if f := s.fields[at].form(value); !f.apart {
			d.value(value, v.FieldByIndex(f.index), path, f)
		}
	}
	for i := range s.fields {
		if f := &s.fields[i]; present[i] {
			continue
		} else if f.required {
			d.fail(d.missingAt(n, p), p.Child(f.name), "is missing", fmt.Sprintf("add %q", f.written()))
		} else {
			applyDefault(v.FieldByIndex(f.index), f)
		}
	}
}

// missingAt is where an error about an absent field points: at the name of the
// mapping that lacks it, or at its beginning.
func (d *decoder) missingAt(n *yaml.Node, p Path) Place {
	if d.places.Has(p) {
		return d.places.Key(p)
	}
	return placeOf(n)
}

// FillDefaults sets the fields of a zero struct to the defaults of its type.
func FillDefaults(into any) {
	v := reflect.ValueOf(into).Elem()
	applyDefault(v, &field{typ: v.Type()})
}

// applyDefault fills an absent field, and the fields of an absent struct.
func applyDefault(v reflect.Value, f *field) {
	if f.hasDefault {
		if err := parseText(f.def, v); err != nil {
			panic(err) // readTags has checked it
		}
		return
	}
	if v.Kind() == reflect.Struct && !isScalar(v.Type()) {
		s := structureOf(v.Type())
		for i := range s.fields {
			applyDefault(v.FieldByIndex(s.fields[i].index), &s.fields[i])
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, p Path) {
	if !d.wantKind(n, yaml.SequenceNode, v.Type(), p, nil) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		path := p.Child(index(i))
		d.places.note(path, placeOf(item), placeOf(item))
		d.value(item, v.Index(i), path, nil)
	}
}

func (d *decoder) namedItems(n *yaml.Node, v reflect.Value, p Path) {
	if !d.wantKind(n, yaml.MappingNode, v.Type(), p, &field{named: true}) {
		return
	}
	count := len(n.Content) / 2
	v.Set(reflect.MakeSlice(v.Type(), count, count))
	name := structureOf(v.Type().Elem()).nameIndex
	for i := range count {
		key, value := n.Content[2*i], n.Content[2*i+1]
		path := p.Child(key.Value)
		d.places.note(path, placeOf(key), placeOf(value))
		v.Index(i).FieldByIndex(name).SetString(key.Value)
		d.value(value, v.Index(i), path, nil)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, p Path, f *field) {
	if v.Kind() == reflect.Pointer { // the whole of a struct
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if !d.wantKind(n, yaml.ScalarNode, v.Type(), p, f) {
		return
	}
	if problem, remedy := spelling(n, v.Type(), f); problem != "" {
		d.fail(placeOf(n), p, problem, remedy)
		return
	}
	text := n.Value
	if f != nil && f.scalar {
		text = strings.TrimSpace(text)
	}
	if err := parseText(text, v); err != nil {
		problem, remedy, _ := strings.Cut(err.Error(), "; ")
		d.fail(placeOf(n), p, problem, remedy)
		return
	}
	if f == nil {
		return
	}
	if problem, remedy := f.outside(v); problem != "" {
		d.fail(placeOf(n), p, problem, remedy)
	}
}

// spelling refuses values whose type YAML would guess differently from what
// the field is: a number as a text, a quoted number as a number.
func spelling(n *yaml.Node, t reflect.Type, f *field) (problem, remedy string) {
	if f != nil && f.scalar || isText(t) {
		return "", ""
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if t.Kind() != reflect.String {
		if quoted {
			return fmt.Sprintf("%q is a text", shorten(n.Value)), "write " + expected(t, f) + " without quotes"
		}
		return "", ""
	}
	if quoted {
		return "", ""
	}
	kind := ""
	switch n.ShortTag() {
	case "!!int", "!!float":
		kind = "a number"
	case "!!bool":
		kind = "true or false"
	case "!!timestamp":
		kind = "a date"
	default:
		return "", ""
	}
	if f != nil && len(f.oneof) > 0 {
		return "", "" // the list of what is possible says more
	}
	return fmt.Sprintf("%s is %s where a text is expected", shorten(n.Value), kind), fmt.Sprintf("put it in quotes, %q", shorten(n.Value))
}

// outside checks oneof, min and max.
func (f *field) outside(v reflect.Value) (problem, remedy string) {
	if len(f.oneof) > 0 {
		for _, valid := range f.oneof {
			if v.String() == valid {
				return "", ""
			}
		}
		written := slices.DeleteFunc(slices.Clone(f.oneof), func(s string) bool { return s == "" }) // "" is an absent field
		return fmt.Sprintf("%q is not possible", shorten(v.String())), Instead(v.String(), written, "possible values")
	}
	low := f.hasMin && less(v, f.minimum)
	high := f.hasMax && less(f.maximum, v)
	if !low && !high {
		return "", ""
	}
	problem = formatText(v) + " is too small"
	if high {
		problem = formatText(v) + " is too large"
	}
	switch {
	case f.hasMin && f.hasMax:
		return problem, "write " + f.min + " to " + f.max
	case f.hasMin:
		return problem, "write " + f.min + " or more"
	}
	return problem, "write " + f.max + " or less"
}

func less(a, b reflect.Value) bool {
	switch {
	case a.CanInt():
		return a.Int() < b.Int()
	case a.CanUint():
		return a.Uint() < b.Uint()
	}
	return a.Float() < b.Float()
}
