// Package job turns a plan and a staging folder into a Beam graph, has an engine run it until it
// gives a result, and proves the counts. Here alone, of all rooms of pipelines, Beam appears.
//
// It promises that whatever fails, is repeated or is killed, every row is in one partial that counts,
// or rejected once: attempts write under new names, the manifest lists those that are whole, and what
// is finished is not made again. What remains to be done of a plan is kept here.
package job
