package scenarios

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios/internal/strict"
)

// comments returns what is said of fields in this package, by type and field.
func comments(t *testing.T) map[[2]string]string {
	t.Helper()
	said := map[[2]string]string{}
	for _, path := range glob(t, "*.go") {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && len(d.Specs) == 1 {
				if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
					said[[2]string{spec.Name.Name, ""}] = strings.Join(strings.Fields(d.Doc.Text()), " ")
				}
			}
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				last := ""
				for _, f := range s.Fields.List {
					text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
					for _, name := range f.Names {
						if text == "" && regexp.MustCompile(`\b`+name.Name+`\b`).MatchString(last) {
							text = last // which is about several
						}
						said[[2]string{spec.Name.Name, name.Name}] = text
					}
					last = text
				}
			}
			return true
		})
	}
	return said
}

// The schema that is shipped is that of the types, with what is said of their fields.
func TestJSONSchema(t *testing.T) {
	said := comments(t)
	want := strict.JSONSchema(reflect.TypeFor[Scenario](), "A scenario of simrun", func(typ, field string) string { return said[[2]string{typ, field}] })
	if *rewrite {
		if err := os.WriteFile("schema.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, JSONSchema) {
		t.Error("schema.json isn't that of the types; run go test ./scenarios -run TestJSONSchema -rewrite, and look at the difference")
	}
}

// The page about fields is made of the schema, and so of the types and what their comments say.
func TestReference(t *testing.T) {
	const page = "../docs/reference.md"
	want := Reference()
	if *rewrite {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/reference.md isn't that of the schema; run go test ./scenarios -run 'TestJSONSchema|TestReference' -rewrite, and look at the difference")
	}
	if strings.Contains(want, "|  |  |") {
		t.Error("a field has neither meaning nor value")
	}
	for line := range strings.Lines(want) {
		if cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|"); len(cells) == 6 && strings.TrimSpace(cells[2]) == "" {
			t.Errorf("a field without a meaning: %s", line)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as a validator does.
func asJSON(data []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

// A validator that knows nothing of simrun accepts every scenario of the library, and refuses those that are broken in a way that a
// schema can know: unknown and missing fields, and values that aren't possible.
func TestValidatorKnowsScenarios(t *testing.T) {
	s := compiled(t)
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		for _, path := range glob(t, pattern) {
			v, err := asJSON(read(t, path))
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if err := s.Validate(v); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	refused := 0
	for _, path := range glob(t, "testdata/broken/*.want") {
		text := string(read(t, path))
		data := read(t, strings.TrimSuffix(path, ".want")+".yaml")
		known := strings.Contains(text, "unknown field") || strings.Contains(text, "is not possible") || strings.Contains(text, " stands here; write")
		elsewhere := strings.Contains(text, "matrix") || bytes.Contains(data, []byte("# --set")) // which the schema leaves to simrun
		if !known || elsewhere {
			continue
		}
		v, err := asJSON(data)
		if err != nil {
			continue // no YAML
		}
		if s.Validate(v) == nil {
			t.Errorf("%s is accepted: %s", path, text)
		}
		refused++
	}
	if refused < 15 {
		t.Errorf("only %d broken files are such that a schema can know it", refused)
	}
}
