// Package pose follows one lifter through a clip: per frame 33 body landmarks
// in picture pixels, how sure they are, and the person's mask.
//
// It runs BlazePose (Bazarevsky et al. 2020, arXiv:2006.10204) as MediaPipe
// does: a detector finds the person, a landmark network looks at a square
// region turned to the trunk, and its own two extra points give the region of
// the next frame. What is added to that is for lifters: one person is
// followed and the others are not, and the lifter is not lost when plates
// hide the head and the shoulders, because the camera stands still. What no
// body can do is looked at a second time, from the frames before and after.
//
// Coordinates are pixels of the upright picture with pixel centres at .5.
package pose
