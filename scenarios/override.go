package scenarios

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios/internal/strict"
)

// override is a field that is set from outside the file.
type override struct {
	path strict.Path
	node *yaml.Node
}

// readOverrides reads settings of the form path=value. Their errors name the
// setting instead of a place in the file.
func readOverrides(src *strict.Source, root *yaml.Node, settings []string) ([]override, error) {
	var list []override
	var errs []*strict.Error
	for i, setting := range settings {
		place := strict.Place{Override: i + 1}
		dotted, text, ok := strings.Cut(setting, "=")
		if !ok {
			errs = append(errs, &strict.Error{Place: place, Problem: "there is no value", Remedy: fmt.Sprintf("write %q", setting+"=value")})
			continue
		}
		path, err := strict.Route(root, &Scenario{}, strings.TrimSpace(dotted))
		if err != nil {
			for _, e := range strict.List(err) {
				e.Place = place
				errs = append(errs, e)
			}
			continue
		}
		node, err := strict.ParseValue(src, i, text)
		if err != nil {
			errs = append(errs, strict.List(err)...)
			continue
		}
		list = append(list, override{path: path, node: node})
	}
	if len(errs) > 0 {
		return nil, src.Errors(errs...)
	}
	return list, nil
}

// overridden reports whether an override replaces what an axis varies.
func overridden(p strict.Path, overrides []override) bool {
	for _, o := range overrides {
		if p.HasPrefix(o.path) {
			return true
		}
	}
	return false
}
