package scenarios

import _ "embed"

// JSONSchema is a JSON Schema of scenario files (draft 2020-12), for editors and other programs. It knows fields, notations, ranges and
// defaults; what belongs together [Parse] alone knows.
//
//go:embed schema.json
var JSONSchema []byte
