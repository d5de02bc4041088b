package spine

import "math"

// The tables are from bodies of either sex rendered from the MakeHuman meshes
// (CC0), whose pelvis, joints and silhouette are known in every frame; they are
// on the grid of curves, in trunk lengths. They are what is believed of a lifter
// before anything is seen; what is seen replaces it.

// The standing dorsal contour of a body between a flat one and one with a full
// seat and a deep hollow: genericMean, and by how much it differs at fullness 1
// (the mean of the female bodies; -1 is that of the male ones).
var (
	genericMean = [gridSize]float64{
		0.102, 0.107, 0.115, 0.124, 0.135, 0.149, 0.164, 0.176, 0.189, 0.200, 0.208, 0.214,
		0.219, 0.222, 0.225, 0.226, 0.225, 0.223, 0.219, 0.213, 0.207, 0.200, 0.191, 0.181,
		0.171, 0.159, 0.146, 0.134, 0.126, 0.119, 0.114, 0.110, 0.108, 0.107, 0.108, 0.109,
		0.111, 0.113, 0.115, 0.117, 0.120, 0.122, 0.125, 0.129, 0.132, 0.135, 0.139, 0.143,
		0.147, 0.152, 0.156, 0.161, 0.167, 0.172, 0.177, 0.183, 0.188, 0.191, 0.195, 0.198,
		0.200, 0.203, 0.205, 0.206, 0.204, 0.201, 0.198, 0.193, 0.186, 0.180, 0.173, 0.167,
	}
	genericFullness = [gridSize]float64{
		0.008, 0.007, 0.007, 0.008, 0.011, 0.014, 0.015, 0.015, 0.016, 0.018, 0.018, 0.018,
		0.019, 0.020, 0.022, 0.024, 0.024, 0.024, 0.025, 0.025, 0.024, 0.024, 0.023, 0.023,
		0.021, 0.018, 0.014, 0.012, 0.010, 0.007, 0.003, -0.001, -0.004, -0.007, -0.009, -0.011,
		-0.013, -0.014, -0.015, -0.017, -0.019, -0.020, -0.021, -0.021, -0.022, -0.022, -0.022, -0.020,
		-0.019, -0.017, -0.015, -0.013, -0.010, -0.008, -0.007, -0.004, -0.002, -0.001, 0.001, 0.002,
		0.004, 0.006, 0.007, 0.009, 0.010, 0.010, 0.011, 0.011, 0.011, 0.011, 0.012, 0.013,
	}
)

// generic is the standing contour of a body of that fullness.
func generic(fullness float64) [gridSize]float64 {
	p := genericMean
	for i := range p {
		p[i] += fullness * genericFullness[i]
	}
	return p
}

// glutealStretch is how far the contour moves back (negative: forward) between
// standing and 110° of hip flexion while the lumbar spine keeps its shape: the
// buttock flattens as the hip flexes. It grows with hip flexion beyond 15°,
// little at first, by the same amount within 0.01 in all bodies.
var glutealStretch = [gridSize]float64{
	-0.230, -0.210, -0.190, -0.157, -0.125, -0.105, -0.085, -0.073, -0.062, -0.056, -0.051, -0.048,
	-0.045, -0.040, -0.036, -0.034, -0.032, -0.030, -0.028, -0.026, -0.024, -0.022, -0.019, -0.016,
	-0.014, -0.011, -0.009, -0.006, -0.004, -0.002, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
	0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
}

// glutealEnd is the grid point from which on the gluteal skin moves nothing.
const glutealEnd = 30

// glutealOf is the stretch expected at a hip flexion, degrees.
func glutealOf(hipFlexion float64) float64 {
	return min(1.3, math.Pow(max(0, hipFlexion-15)/95, 1.5))
}
