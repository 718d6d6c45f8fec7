// How far a number of a test may be from what it would be in the long run. Pure arithmetic;
// docs/comparing.md explains the methods for people and names their sources.
#pragma once

#include <cstddef>
#include <vector>

#include "common/measure/histogram.h"

namespace loadtest {

// Of intervals: a false alarm in a hundred comparisons of one measure.
inline constexpr double kConfidence = 0.99;

struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

// From the lower of the lower ends to the higher of the upper ones.
Estimate WiderOf(const Estimate& a, const Estimate& b);

// From requests, which it takes to be independent. Of a quantile of `histogram`, whose value is
// known: two ranks around its own, since the rank is binomial (Hahn, Meeker: Statistical Intervals,
// 1991, 5.2).
Estimate OfQuantile(const Histogram& histogram, double q, double value);
// Of `count` in `n`: Wilson's score interval (1927).
Estimate OfShare(double count, double n);
// after - before, from both intervals (Zou and Donner, Statistics in Medicine 27, 2008).
Estimate OfDifference(const Estimate& before, const Estimate& after);

// From a series over time: standard error of `center` by the spread of `values` around it, with
// degrees of freedom (sectioning: Asmussen, Glynn: Stochastic Simulation, 2007, III.5). Where
// neighbours resemble each other, the variance is raised by (1 + r) / (1 - r), r their correlation.
struct Spread {
  double error = 0;
  double freedom = 1;
};
Spread SpreadOf(const std::vector<double>& values, double center);
// Half the width of Student's t interval of kConfidence in standard errors.
double StudentT(double degrees_of_freedom);
// The wider of `estimate` and the t interval around its value.
Estimate WidenBySpread(const Estimate& estimate, const std::vector<double>& values);

// By ranks: what is far out counts no more than what is a little out. With fewer values nothing can
// be said with kConfidence. Neighbours that resemble each other widen the intervals as above.
inline constexpr size_t kFewestRanked = 8;
// The median, and two ranks around it. Requires kFewestRanked values, as the next two do.
Estimate OfMedian(std::vector<double> values);
// By how much `after` lies higher than `before`: the median of the differences of all pairs (Hodges
// and Lehmann), and the interval that the rank sum test of Wilcoxon, Mann and Whitney leaves
// (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 2014, 4.2 and 4.3).
Estimate OfShift(std::vector<double> before, std::vector<double> after);
// The middle of differences of values that belong together: the median of the means of all pairs,
// and the interval that Wilcoxon's signed rank test leaves (the same, 3.2 and 3.3).
Estimate OfMiddle(std::vector<double> differences);

}  // namespace loadtest
