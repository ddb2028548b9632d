package strict

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// field is what a struct field's tags say.
type field struct {
	name  string
	index []int // as for reflect.Value.FieldByIndex; inlined structs are flattened
	typ   reflect.Type

	required, named, scalar, apart bool
	hasDefault                     bool

	oneof            []string
	def, example     string
	min, max         string
	hasMin, hasMax   bool
	minimum, maximum reflect.Value // parsed min and max

	// fields is another field of the same name, which a mapping is read into.
	fields *field
}

// form returns the field that a node is read into.
func (f *field) form(n *yaml.Node) *field {
	if f.fields != nil && n.Kind == yaml.MappingNode {
		return f.fields
	}
	return f
}

// structure is the fields of a struct type in order.
type structure struct {
	fields []field
	byName map[string]int
	names  []string
	// nameIndex is the field Name that gets the key of a named collection.
	nameIndex []int
	// whole is the field that the entire struct is written as, or nil.
	whole *field
}

var structures sync.Map // reflect.Type → *structure

func structureOf(t reflect.Type) *structure {
	if s, ok := structures.Load(t); ok {
		return s.(*structure)
	}
	s := &structure{byName: map[string]int{}}
	s.add(t, nil)
	structures.Store(t, s)
	return s
}

func (s *structure) add(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), prefix...), i)
		name, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		f := field{name: name, index: at, typ: sf.Type}
		inline, mapping := false, false
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "required":
				f.required = true
			case "named":
				f.named = true
			case "scalar":
				f.scalar = true
			case "apart":
				f.apart = true
			case "inline":
				inline = true
			case "mapping":
				mapping = true
			default:
				panic(fmt.Sprintf("strict: %v.%s has the unknown option %q", t, sf.Name, option))
			}
		}
		switch {
		case inline:
			s.add(sf.Type, at)
		case name == "-":
			if sf.Name == "Name" {
				s.nameIndex = at
			}
		case name == "" && f.scalar:
			s.whole = &f
		case name == "":
			panic(fmt.Sprintf("strict: %v.%s has no yaml tag", t, sf.Name))
		case mapping:
			s.fields[s.byName[name]].fields = &f
		default:
			f.readTags(sf)
			s.byName[name] = len(s.fields)
			s.names = append(s.names, name)
			s.fields = append(s.fields, f)
		}
	}
}

// example shows how such a struct is written: with the fields it must have, or
// else with its first.
func (s *structure) example() string {
	var parts []string
	for i := range s.fields {
		if f := &s.fields[i]; f.required {
			parts = append(parts, f.written())
		}
	}
	if len(parts) == 0 {
		parts = append(parts, s.fields[0].written())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// written shows how the field is written.
func (f *field) written() string {
	switch {
	case f.example != "":
		return f.name + ": " + f.example
	case f.hasDefault:
		return f.name + ": " + f.def
	case len(f.oneof) > 0:
		return f.name + ": " + f.oneof[0]
	}
	return f.name + ": …"
}

func (f *field) readTags(sf reflect.StructField) {
	f.example = sf.Tag.Get("example")
	f.def, f.hasDefault = sf.Tag.Lookup("default")
	f.min, f.hasMin = sf.Tag.Lookup("min")
	f.max, f.hasMax = sf.Tag.Lookup("max")
	if list := sf.Tag.Get("oneof"); list != "" {
		f.oneof = strings.Split(list, ",")
	}
	mustParse := func(text string) reflect.Value {
		v := reflect.New(valueType(f.typ)).Elem()
		if err := parseText(text, v); err != nil {
			panic(fmt.Sprintf("strict: tag of %s: %v", sf.Name, err))
		}
		return v
	}
	if f.hasMin {
		f.minimum = mustParse(f.min)
	}
	if f.hasMax {
		f.maximum = mustParse(f.max)
	}
	if f.hasDefault {
		mustParse(f.def)
	}
}

// valueType is t, or what t points to.
func valueType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
