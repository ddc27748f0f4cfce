// Package eval measures detectors: how well scores tell defective from clean, how
// well verdicts meet what was injected, and how often they come where nothing is.
//
// It is pure: scores and verdicts go in, one item at a time, numbers come out. A
// Meter sorts the scores of one item into positive and negative ones and keeps
// only how many there are of each height, so that memory does not grow with the
// length of the material. A Summary adds up items; its Report has every number with
// what it rests on, and none where there is nothing to rest on.
//
// The measures: AUC is the statistic of Mann and Whitney (the share of pairs of a
// positive and a negative unit in which the positive one scores higher, ties count
// half). Average precision is the sum of precision times the step of recall over
// all distinct scores, without interpolation. Recall at 1 % false positives is that
// of the lowest threshold which at most 1 % of the negative units reach. Intervals
// of these are percentile bootstraps over content groups (Efron 1979): groups, not
// frames, are drawn, since frames of one scene are alike. Intervals of rates are
// Garwood's exact ones for Poisson counts (1936).
package eval
