package compare

import (
	"cmp"
	"slices"
)

// Holm corrects probabilities for their number (S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure",
// Scandinavian Journal of Statistics 6, 1979): whatever the tests have to do with each other, the probability that any that
// comes out below a level has done so by chance is at most that level.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	corrected := make([]float64, len(p))
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, p[i]*float64(len(p)-rank)))
		corrected[i] = least
	}
	return corrected
}

// testable returns which tests can come out at all, by the least probability that each could have had. A test that
// can't doesn't count as one, so that the others are corrected for less (R. E. Tarone, "A Modified Bonferroni Method for Discrete
// Data", Biometrics 46, 1990). This is chosen without looking at what came out.
func testable(least []float64, level float64) []bool {
	chosen := make([]bool, len(least))
	for k := 1; k <= len(least); k++ {
		n := 0
		for i, p := range least {
			chosen[i] = p*float64(k) < level
			if chosen[i] {
				n++
			}
		}
		if n <= k {
			break
		}
	}
	return chosen
}
