package strict

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// JSONSchema describes what [Decode] reads into a type, as a JSON Schema of draft 2020-12, for editors and other programs. about
// says what a field of a type is, or with "" what the type is; "" if nobody does. Ranges such as <1..9> may stand in any value, as they are expanded before; and
// what fields mean together a schema can't say.
func JSONSchema(t reflect.Type, title string, about func(typ, field string) string) []byte {
	w := schemaWriter{about: about, defs: map[string]any{}}
	root := w.structOf(t)
	root["$schema"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", title, w.defs
	b, err := json.MarshalIndent(root, "", " ")
	if err != nil {
		panic("strict: " + err.Error()) // maps, lists and texts
	}
	return append(b, '\n')
}

type schemaWriter struct {
	about func(typ, field string) string
	defs  map[string]any
}

// object is a schema.
type object = map[string]any

// structOf describes a mapping with the fields of a struct.
func (w *schemaWriter) structOf(t reflect.Type) object {
	s := structureOf(t)
	properties, required := object{}, []string{}
	for i := range s.fields {
		f := &s.fields[i]
		properties[f.name] = w.field(t, f)
		if f.required {
			required = append(required, f.name)
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// field describes the value of a field.
func (w *schemaWriter) field(t reflect.Type, f *field) object {
	o := w.value(f.typ, f)
	if f.fields != nil {
		o = object{"anyOf": []object{o, w.value(f.fields.typ, f.fields)}}
	}
	if ref, ok := o["$ref"]; ok { // beside which other words would do, too, but not for all readers
		o = object{"allOf": []object{{"$ref": ref}}}
	}
	sf := t.FieldByIndex(f.index)
	text := w.about(declaredIn(t, f.index), sf.Name)
	name := sf.Name
	if text == "" { // what is said of the type will do
		name = elementOf(f.typ).Name()
		text = w.about(name, "")
	}
	if rest, ok := strings.CutPrefix(text, name+" "); ok { // as Go's comments begin
		text = f.name + " " + rest
	}
	text = asWritten(text, t)
	if bounds := f.bounds(); bounds != "" {
		text = strings.TrimSpace(text + " (" + bounds + ")")
	}
	if text != "" {
		o["description"] = text
	}
	if f.hasDefault {
		o["default"] = plain(f.def, f.typ)
	}
	if f.example != "" {
		o["examples"] = []any{f.example}
	}
	if kind := kindOf(f.typ, f); kind != "" {
		o["title"] = kind
	}
	return o
}

// kindOf says in a few words what notation a value has.
func kindOf(t reflect.Type, f *field) string {
	switch t = valueType(t); {
	case f.apart:
		return "a mapping"
	case f.named:
		return "a mapping of names"
	case f.scalar:
		return "a word or a number"
	case len(f.oneof) > 0 && isScalar(t):
		return "one of some words"
	}
	switch t {
	case durationType:
		return "a duration, such as 300ms"
	case bitRateType:
		return "a rate, such as 1.5Mbps"
	case bytesType:
		return "a size, such as 1200B"
	case ratioType:
		return "a share, such as 5%"
	}
	if !isScalar(t) {
		if t.Kind() == reflect.Slice {
			return "a list"
		}
		return "" // the fields in it say it
	}
	if isText(t) {
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "text"
}

// Comments are written for who reads the source: of nil, and with links to other declarations.
var (
	goLink = regexp.MustCompile(`[;,]? ?\(?see (also )?\[[A-Za-z.]+\]\)?`)
	goName = regexp.MustCompile(`\[([A-Z][A-Za-z.]+)\]`)
	goNil  = strings.NewReplacer("A nil ", "An absent ", "; nil is ", "; without it ", "; nil are ", "; without them ", "; nil lifts it", "; without it there is none", "; nil ", "; without it ")
)

// goWord is a word that may be a field's name in Go.
var goWord = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// asWritten calls the fields of a struct what files call them.
func asWritten(text string, t reflect.Type) string {
	names := map[string]string{}
	for _, f := range structureOf(t).fields {
		names[t.FieldByIndex(f.index).Name] = f.name
	}
	text = goNil.Replace(goName.ReplaceAllString(goLink.ReplaceAllString(text, ""), "$1"))
	return goWord.ReplaceAllStringFunc(text, func(word string) string {
		if name, ok := names[word]; ok && word != strings.ToUpper(word) { // ECN is also just ECN
			return name
		}
		return word
	})
}

// elementOf is the type of a field's value, or of its items.
func elementOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// declaredIn is the name of the type that has a field: t, or a struct that is inlined into it.
func declaredIn(t reflect.Type, index []int) string {
	for _, i := range index[:len(index)-1] {
		t = valueType(t.Field(i).Type)
	}
	return t.Name()
}

// bounds says in words how small and large a value may be.
func (f *field) bounds() string {
	switch {
	case f.hasMin && f.hasMax:
		return f.min + " to " + f.max
	case f.hasMin:
		return f.min + " or more"
	case f.hasMax:
		return f.max + " or less"
	}
	return ""
}

// plain is a default as JSON has it.
func plain(text string, t reflect.Type) any {
	if t = valueType(t); isText(t) {
		return text
	}
	switch t.Kind() {
	case reflect.Bool:
		return text == "true"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}

// value describes what is read into a type.
func (w *schemaWriter) value(t reflect.Type, f *field) object {
	t = valueType(t)
	switch {
	case f != nil && f.apart:
		return object{"type": "object"}
	case f != nil && f.named:
		return object{"type": "object", "additionalProperties": w.value(t.Elem(), nil)}
	case f != nil && f.scalar:
		return object{"type": []string{"string", "number", "boolean"}}
	case isScalar(t):
		return scalarSchema(t, f)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": w.value(t.Elem(), nil)}
	}
	if whole := structureOf(t).whole; whole != nil {
		return w.value(whole.typ, whole)
	}
	if _, known := w.defs[t.Name()]; !known {
		w.defs[t.Name()] = nil // while it is being written, as types may have themselves in them
		w.defs[t.Name()] = w.structOf(t)
	}
	return object{"$ref": "#/$defs/" + t.Name()}
}

// aRange is part of a value in which a range stands, or the name of a number.
const aRange = "<.*>"

// scalarSchema describes a single value.
func scalarSchema(t reflect.Type, f *field) object {
	notation := func(units string, plainNumber bool) object {
		o := object{"type": "string", "pattern": `^[-+0-9.eE_]+(` + units + `)$|` + aRange}
		if plainNumber {
			o["type"] = []string{"string", "number"}
		}
		return o
	}
	switch t {
	case durationType:
		return notation("ns|us|ms|s|m|h", false)
	case bitRateType:
		return notation("bps|kbps|Mbps|Gbps|bit/s|kbit/s|Mbit/s|Gbit/s", false)
	case bytesType:
		return notation("B|kB|MB", false)
	case ratioType:
		return notation("%|", true)
	}
	if f != nil && len(f.oneof) > 0 {
		var words []any
		for _, word := range f.oneof {
			switch word {
			case "": // an absent field
			case "true", "false": // which YAML takes for something else than a text
				words = append(words, word == "true", word)
			default:
				words = append(words, word)
			}
		}
		return object{"anyOf": []object{{"enum": words}, {"type": "string", "pattern": aRange}}}
	}
	if isText(t) {
		return object{"type": []string{"string", "number"}}
	}
	orRange := func(o object) object {
		return object{"anyOf": []object{o, {"type": "string", "pattern": aRange}}}
	}
	switch t.Kind() {
	case reflect.Bool:
		return orRange(object{"type": "boolean"})
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		o := object{"type": "number"}
		if t.Kind() != reflect.Float64 {
			o["type"] = "integer"
		}
		if t.Kind() == reflect.Uint64 {
			o["minimum"] = 0
		}
		for name, bound := range map[string]string{"minimum": f.bound(true), "maximum": f.bound(false)} {
			if n, err := strconv.ParseFloat(bound, 64); err == nil {
				o[name] = n
			}
		}
		return orRange(o)
	case reflect.String:
		return object{"type": "string"}
	}
	panic(fmt.Sprintf("strict: no schema of a %v", t))
}

// bound is the least value or the greatest, "" if there is none.
func (f *field) bound(least bool) string {
	switch {
	case f == nil:
		return ""
	case least:
		return f.min
	}
	return f.max
}
