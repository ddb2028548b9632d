package simrun

import (
	"fmt"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
)

func metricsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "List the metrics that expectations can name",
		Long: `List the metrics that the expectations of a scenario can name. The key says
where a metric is measured:

  expect:
    - {metric: queue-delay-p95, link: bottleneck/forward, during: 10s..40s, max: 60ms}`,
		Example: lines("simrun metrics", "simrun metrics --json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				list := []jsonMetric{}
				for _, m := range scenarios.Metrics() {
					list = append(list, jsonMetricOf(&m))
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			s := screenOf(cmd.OutOrStdout())
			c := s.columns(5, "key", "metric", "unit", "bound, such as", "meaning")
			for _, m := range scenarios.Metrics() {
				c.row(m.Of, m.Name, unitName(m.Unit), m.Example, s.ascii(m.Doc))
			}
			fmt.Fprint(s, c.String())
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// unitName names a unit of records for people.
func unitName(unit string) string {
	if unit == "1" {
		return "%"
	}
	return unit
}
