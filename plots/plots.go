// Package plots makes self-contained HTML pages from records: [Page] for a run
// and [Overview] for all runs of an invocation. A page needs no network, works
// from a file, and has the same bytes each time it is made from equal records.
package plots

import (
	"embed"
	"html/template"
)

//go:embed assets/echarts.common.min.js
var echartsScript string

//go:embed assets/page.js
var pageScript string

//go:embed assets/page.css
var styles string

//go:embed templates/*.html
var templateFiles embed.FS

// Echarts is under the Apache License 2.0, which asks that its licence and
// notice go with it; each page carries the notice in its script's head and its
// footer.
//
//go:embed assets/NOTICE.echarts
var echartsNotice string

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"quantity":     quantity,
	"pluralize":    pluralize,
	"shortPath":    shortPath,
	"statusSymbol": statusSymbol,
	"readable":     readable,
}).ParseFS(templateFiles, "templates/*.html"))
