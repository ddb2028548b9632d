package strict

import (
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"
)

// describe says in words what stands in the document.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping of fields"
	case yaml.SequenceNode:
		return "a list"
	case yaml.DocumentNode:
		return "a document"
	}
	if n.ShortTag() == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("the single value %q", shorten(n.Value))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// expected says in words what a type is written as.
func expected(t reflect.Type, f *field) string {
	t = valueType(t)
	switch {
	case f != nil && f.named:
		return `a mapping, "name: …"`
	case !isScalar(t) && t.Kind() == reflect.Slice:
		return "a list, [a, b]"
	case !isScalar(t):
		if s := structureOf(t); s.whole == nil {
			return "fields, like " + s.example()
		}
	}
	switch t {
	case durationType:
		return "a duration, like 300ms"
	case bitRateType:
		return "a bit rate, like 1.5Mbps"
	case bytesType:
		return "a size, like 1200B"
	case ratioType:
		return "a ratio, like 5%"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "a number"
	}
	return "a single value"
}
