package simrun

import (
	"fmt"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
)

func metricsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "metrics",
		Short: "List the metrics that expectations can name",
		Long: `List the metrics that the expectations of a scenario can name. The key says
where a metric is measured:

  expect:
    - {metric: queue-delay-p95, link: bottleneck/forward, during: 10s..40s, max: 60ms}`,
		Example: lines("simrun metrics"),
		Args:    cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			s := screenOf(cmd.OutOrStdout())
			c := s.columns(5, "key", "metric", "unit", "bound, such as", "meaning")
			for _, m := range scenarios.Metrics() {
				c.row(m.Of, m.Name, unitName(m.Unit), m.Example, s.ascii(m.Doc))
			}
			fmt.Fprint(s, c.String())
		},
	}
}

// unitName names a unit of records for people.
func unitName(unit string) string {
	if unit == "1" {
		return "%"
	}
	return unit
}
