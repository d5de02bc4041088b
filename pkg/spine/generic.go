package spine

// Both tables are means over bodies of either sex rendered from the MakeHuman
// meshes (CC0), whose pelvis, joints and silhouette are known in every frame;
// they are on the grid of curves, in trunk lengths. They are what is believed
// of a lifter before anything is seen; what is seen replaces it.

// genericContour is the standing dorsal contour. Its standard deviation over
// bodies is 0.02 at the buttock, 0.01 at the hollow of the back and 0.02 at
// the lower thorax.
var genericContour = [gridSize]float64{
	0.104, 0.111, 0.119, 0.127, 0.136, 0.147, 0.160, 0.171, 0.182, 0.192, 0.199, 0.205,
	0.209, 0.212, 0.213, 0.213, 0.213, 0.211, 0.207, 0.202, 0.196, 0.190, 0.180, 0.172,
	0.163, 0.152, 0.142, 0.132, 0.124, 0.120, 0.116, 0.114, 0.113, 0.114, 0.115, 0.117,
	0.119, 0.123, 0.126, 0.129, 0.133, 0.135, 0.141, 0.144, 0.151, 0.154, 0.163, 0.165,
	0.167, 0.170, 0.171, 0.173, 0.179, 0.181, 0.185, 0.188, 0.190, 0.194, 0.196, 0.197,
	0.197, 0.199, 0.199, 0.199, 0.198, 0.196, 0.193, 0.187, 0.182, 0.176, 0.166, 0.159,
}

// glutealStretch is how far the contour moves back (negative: forward) between
// standing and 110° of hip flexion while the lumbar spine keeps its shape: the
// buttock flattens as the hip flexes. It grows in proportion to hip flexion
// beyond 15°, by the same amount within 0.01 in all bodies.
var glutealStretch = [gridSize]float64{
	-0.230, -0.210, -0.190, -0.157, -0.125, -0.105, -0.085, -0.073, -0.062, -0.056, -0.051, -0.048,
	-0.045, -0.040, -0.036, -0.034, -0.032, -0.030, -0.028, -0.026, -0.024, -0.022, -0.019, -0.016,
	-0.014, -0.011, -0.009, -0.006, -0.004, -0.002, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
}

// glutealOf is the stretch expected at a hip flexion, degrees.
func glutealOf(hipFlexion float64) float64 {
	return max(0, min(1.3, (hipFlexion-15)/95))
}
