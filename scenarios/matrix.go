package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios/internal/strict"
)

// maxRuns is the number of runs that one file may have.
const maxRuns = 10_000

// axis is a place in the document that the matrix varies.
type axis struct {
	path   strict.Path
	values []axisValue
}

type axisValue struct {
	node *yaml.Node
	text string // on one line
}

func (a *axis) public() Axis {
	p := Axis{Path: a.path.String()}
	for _, v := range a.values {
		p.Values = append(p.Values, v.text)
	}
	return p
}

// matrixReader reads the matrix of a document.
type matrixReader struct {
	root *yaml.Node // the document without its matrix
	// controllers are what "all" stands for, as far as they can work with the feedback
	// of every run.
	controllers []string
	feedback    FeedbackChecker // may be nil
	overrides   []override
	errs        []*strict.Error
}

func (r *matrixReader) fail(n *yaml.Node, p strict.Path, problem, remedy string) {
	r.errs = append(r.errs, &strict.Error{Place: strict.PlaceOf(n), Path: p, Problem: problem, Remedy: remedy})
}

// readMatrix reads the axes in order, without those that an override replaces.
func readMatrix(src *strict.Source, root, key, matrix *yaml.Node, overrides []override, catalogue Catalogue) ([]axis, error) {
	if matrix == nil {
		return nil, nil
	}
	r := matrixReader{root: root, overrides: overrides}
	if catalogue != nil {
		r.controllers = catalogue.Controllers()
		r.feedback, _ = catalogue.(FeedbackChecker)
	}
	axes := r.axes(matrix)
	if len(r.errs) > 0 {
		return nil, src.Errors(r.errs...)
	}
	kept := axes[:0]
	total := 1
	for _, a := range axes {
		if overridden(a.path, overrides) {
			continue
		}
		kept = append(kept, a)
		if total *= len(a.values); total > maxRuns {
			r.fail(key, at("matrix"), fmt.Sprintf("there would be more than %d runs", maxRuns), "give the axes fewer values, or split the file")
			return nil, src.Errors(r.errs...)
		}
	}
	return kept, nil
}

func (r *matrixReader) axes(matrix *yaml.Node) []axis {
	const example = `write "path: [value, value]", like "network.links.bottleneck.delay: [50ms, 100ms]"`
	if matrix.Kind != yaml.MappingNode || len(matrix.Content) == 0 {
		r.fail(matrix, at("matrix"), strict.Describe(matrix)+" stands here", example)
		return nil
	}
	var axes []axis
	for i := 0; i+1 < len(matrix.Content); i += 2 {
		key, value := matrix.Content[i], matrix.Content[i+1]
		path, err := strict.Route(r.root, &Scenario{}, key.Value)
		if err != nil {
			for _, e := range strict.List(err) {
				e.Place, e.Path = strict.PlaceOf(key), at("matrix", key.Value)
				r.errs = append(r.errs, e)
			}
			continue
		}
		for _, other := range axes {
			if path.HasPrefix(other.path) || other.path.HasPrefix(path) {
				r.fail(key, at("matrix", key.Value), fmt.Sprintf("this overlaps with the axis %s", other.path), "vary only one of them")
			}
		}
		if IsController(path.String()) && value.Kind == yaml.ScalarNode && value.Value == "all" {
			axes = append(axes, axis{path: path, values: r.allControllers(value, matrix, path)})
			continue
		}
		axes = append(axes, axis{path: path, values: r.values(value, at("matrix", key.Value))})
	}
	return axes
}

// ControllerPath is the path of the scenario's controller.
const ControllerPath = "congestion.controller"

// IsController reports whether a path, such as that of an axis, leads to a controller: the
// scenario's or an endpoint's.
func IsController(path string) bool {
	return path == ControllerPath || strings.HasPrefix(path, "endpoints.") && strings.HasSuffix(path, "."+ControllerPath)
}

// allControllers are the values of an axis that is "all" controllers: those that can work
// with the feedback there is. Without a catalogue nobody knows
// them, and the axis has one value that nobody checks either.
func (r *matrixReader) allControllers(n, matrix *yaml.Node, path strict.Path) []axisValue {
	var values []axisValue
	feedback := r.feedbacks(matrix, at("congestion", "feedback"))
	if own := r.feedbacks(matrix, path[:len(path)-1].Child("feedback")); own != nil {
		feedback = own
	}
	if feedback == nil {
		s := &Scenario{}
		strict.FillDefaults(s)
		feedback = []string{s.Congestion.Feedback}
	}
	for _, name := range r.controllers {
		if !r.worksWith(name, feedback) {
			continue
		}
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: n.Line, Column: n.Column}
		values = append(values, axisValue{node: node, text: name})
	}
	if len(values) == 0 {
		values = []axisValue{{node: n, text: n.Value}}
	}
	return values
}

// worksWith reports whether a controller can work with each of the kinds of feedback.
func (r *matrixReader) worksWith(controller string, feedback []string) bool {
	if r.feedback == nil {
		return true
	}
	for _, f := range feedback {
		if r.feedback.CheckFeedback(controller, f) != nil {
			return false
		}
	}
	return true
}

// feedbacks returns the kinds of feedback that the runs have at a path: what is set from
// outside, or the values of an axis, or what the document says; nil if nothing is said there.
// Those that make no sense are found by others.
func (r *matrixReader) feedbacks(matrix *yaml.Node, path strict.Path) []string {
	var list []string
	if _, _, axis := strict.Remove(matrix, path.String()); axis != nil && !overridden(path, r.overrides) {
		for _, n := range axis.Content {
			list = append(list, n.Value)
		}
		return list
	}
	node := r.root
	for _, o := range r.overrides {
		if t, err := strict.Replace(node, o.path, o.node); err == nil {
			node = t
		}
	}
	for _, step := range path {
		if node == nil || node.Kind != yaml.MappingNode {
			return nil
		}
		_, _, node = strict.Remove(node, step)
	}
	if node == nil {
		return nil
	}
	return []string{node.Value}
}

// vary adds the axes that options name to a matrix, which may be nil, or replaces those
// with the same path.
func vary(src *strict.Source, key, matrix *yaml.Node, opt Options) (*yaml.Node, *yaml.Node, error) {
	if len(opt.Vary) == 0 {
		return key, matrix, nil
	}
	changed := yaml.Node{Kind: yaml.MappingNode}
	if matrix != nil {
		changed = *matrix
		changed.Content = slices.Clone(matrix.Content)
	}
	var errs []*strict.Error
	for i, text := range opt.Vary {
		number := len(opt.Set) + i // among the overrides
		path, values, ok := strings.Cut(text, "=")
		if !ok {
			errs = append(errs, &strict.Error{Place: strict.Place{Override: number + 1}, Problem: "there are no values", Remedy: fmt.Sprintf("write %q", text+"=[value, value]")})
			continue
		}
		node, err := strict.ParseValue(src, number, values)
		if err != nil {
			errs = append(errs, strict.List(err)...)
			continue
		}
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(path), Column: number + 1}
		at := len(changed.Content)
		for k := 0; k+1 < len(changed.Content); k += 2 {
			if changed.Content[k].Value == name.Value {
				at = k
			}
		}
		changed.Content = slices.Replace(changed.Content, at, min(at+2, len(changed.Content)), name, node)
	}
	if len(errs) > 0 {
		return nil, nil, src.Errors(errs...)
	}
	if key == nil {
		key = changed.Content[0] // for errors about the matrix as a whole
	}
	return key, &changed, nil
}

// given is what stands on the command line, for errors.
func (o *Options) given() []string {
	var list []string
	for _, s := range o.Set {
		list = append(list, "--set "+s)
	}
	for _, v := range o.Vary {
		list = append(list, "--vary "+v)
	}
	return list
}

// values reads the values of an axis: a list, or {from: 1, count: 10}.
func (r *matrixReader) values(n *yaml.Node, p strict.Path) []axisValue {
	if n.Kind == yaml.MappingNode {
		return r.sequence(n, p)
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fail(n, p, strict.Describe(n)+" stands where the values of an axis are expected", "write a list, like [50ms, 100ms], or {from: 1, count: 10}")
		return nil
	}
	var values []axisValue
	seen := map[string]bool{}
	for i, item := range n.Content {
		text := strict.Flow(item)
		if seen[text] {
			r.fail(item, p.Child(strconv.Itoa(i)), fmt.Sprintf("the value %s stands twice", text), "keep one")
		}
		seen[text] = true
		values = append(values, axisValue{node: item, text: text})
	}
	return values
}

// digits are whole numbers small enough to count from.
var digits = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`)

// sequence reads {from: 1, count: 10}, the numbers 1 to 10.
func (r *matrixReader) sequence(n *yaml.Node, p strict.Path) []axisValue {
	const remedy = "write {from: 1, count: 10}"
	fields := map[string]uint64{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value != "from" && key.Value != "count" {
			r.fail(key, p.Child(key.Value), "unknown field", remedy)
			return nil
		}
		x, err := strconv.ParseUint(value.Value, 10, 64)
		if value.Kind != yaml.ScalarNode || err != nil || !digits.MatchString(value.Value) {
			r.fail(value, p.Child(key.Value), strict.Describe(value)+" is not a whole number", remedy)
			return nil
		}
		if key.Value == "count" && (x < 1 || x > maxRuns) {
			r.fail(value, p.Child("count"), fmt.Sprintf("%d is not a possible count", x), fmt.Sprintf("write 1 to %d", maxRuns))
			return nil
		}
		fields[key.Value] = x
	}
	if len(fields) != 2 {
		r.fail(n, p, "a sequence needs from and count", remedy)
		return nil
	}
	var values []axisValue
	for i := range fields["count"] {
		text := strconv.FormatUint(fields["from"]+i, 10)
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text, Line: n.Line, Column: n.Column}
		values = append(values, axisValue{node: node, text: text})
	}
	return values
}

// combinations returns every choice of one value of each axis, the last axis
// changing fastest. Without axes it is one empty choice.
func combinations(axes []axis) [][]int {
	choices := [][]int{nil}
	for _, a := range axes {
		var longer [][]int
		for _, c := range choices {
			for i := range a.values {
				longer = append(longer, append(c[:len(c):len(c)], i))
			}
		}
		choices = longer
	}
	return choices
}
