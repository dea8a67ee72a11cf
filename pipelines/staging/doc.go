// Package staging keeps the folders in which runs work: their ids, locks and files that say what
// run they are of, finding them again, and cleaning up after the dead.
//
// It promises that a folder is used by one run at a time where there are locks, that what a run
// leaves can be told from what others wrote, and that nothing of the living is removed. It knows no
// plan.
package staging
