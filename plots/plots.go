// Package plots makes self-contained HTML pages from records: [Page] for a run,
// [Overview] for all runs of a scenario, [Compare] for runs side by side, and
// [WriteIndex] for all that is in a folder. A page needs no network, works
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

//go:embed assets/view.js
var viewScript string

//go:embed assets/page.css
var styles string

//go:embed assets/chart.js
var chartScript string

//go:embed assets/comparison.js
var comparisonScript string

//go:embed assets/comparison.css
var comparisonStyles string

//go:embed assets/index.js
var indexScript string

//go:embed assets/index.css
var indexStyles string

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
	"breakerWord":  breakerWord,
	"changeClass":  changeClass,
	"outcomeWord":  outcomeWord,
	"wallTime":     wallTime,
	"lasted":       lasted,
	"sortTime":     sortTime,
}).ParseFS(templateFiles, "templates/*.html"))
