package spine

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// The standing dorsal contour of bodies with the hip straight: the mean of 130
// and the principal components of how they differ, each one standard deviation
// long. Five leave 0.002 of bodies that were not among them.
var (
	meanBody = [gridSize]float64{
		0.116, 0.123, 0.130, 0.138, 0.145, 0.155, 0.167, 0.175, 0.185, 0.191, 0.203, 0.207,
		0.206, 0.214, 0.214, 0.212, 0.212, 0.211, 0.205, 0.200, 0.194, 0.187, 0.178, 0.168,
		0.157, 0.147, 0.136, 0.126, 0.118, 0.114, 0.110, 0.108, 0.107, 0.107, 0.108, 0.111,
		0.113, 0.115, 0.118, 0.121, 0.124, 0.127, 0.131, 0.134, 0.138, 0.141, 0.145, 0.148,
		0.151, 0.154, 0.157, 0.160, 0.163, 0.166, 0.170, 0.174, 0.176, 0.179, 0.181, 0.182,
		0.183, 0.183, 0.183, 0.181, 0.180, 0.176, 0.172, 0.167, 0.161, 0.154, 0.145, 0.134,
	}
	bodyComponents = [numComponents][gridSize]float64{
		{
			-0.006, -0.007, -0.007, -0.009, -0.011, -0.009, -0.018, -0.021, -0.014, -0.021, -0.020, -0.018,
			-0.020, -0.023, -0.023, -0.023, -0.026, -0.025, -0.024, -0.027, -0.027, -0.025, -0.026, -0.024,
			-0.023, -0.021, -0.017, -0.014, -0.011, -0.007, -0.003, 0.000, 0.003, 0.006, 0.009, 0.012,
			0.014, 0.016, 0.017, 0.018, 0.019, 0.020, 0.020, 0.021, 0.021, 0.021, 0.020, 0.019,
			0.018, 0.016, 0.013, 0.010, 0.007, 0.005, 0.003, 0.001, 0.000, -0.001, -0.002, -0.004,
			-0.005, -0.006, -0.006, -0.007, -0.008, -0.010, -0.011, -0.013, -0.014, -0.015, -0.015, -0.015,
		},
		{
			0.006, 0.005, 0.005, 0.005, 0.003, 0.005, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003,
			0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003,
			0.003, 0.004, 0.004, 0.004, 0.004, 0.004, 0.004, 0.004, 0.005, 0.005, 0.006, 0.006,
			0.007, 0.007, 0.007, 0.008, 0.008, 0.008, 0.009, 0.009, 0.009, 0.010, 0.010, 0.010,
			0.010, 0.010, 0.010, 0.010, 0.010, 0.009, 0.009, 0.009, 0.009, 0.009, 0.009, 0.008,
			0.008, 0.008, 0.008, 0.008, 0.007, 0.008, 0.007, 0.008, 0.008, 0.008, 0.008, 0.009,
		},
		{
			0.004, 0.004, 0.004, 0.003, 0.002, 0.004, 0.000, 0.001, 0.004, 0.002, 0.003, 0.003,
			0.002, 0.002, 0.002, 0.002, 0.000, 0.002, 0.001, 0.001, 0.000, 0.001, 0.001, 0.001,
			0.001, 0.002, 0.003, 0.004, 0.004, 0.004, 0.005, 0.005, 0.005, 0.005, 0.004, 0.004,
			0.004, 0.003, 0.003, 0.002, 0.002, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001,
			0.001, 0.000, -0.001, -0.001, -0.002, -0.002, -0.002, -0.001, -0.001, -0.001, -0.002, -0.002,
			-0.003, -0.004, -0.005, -0.006, -0.005, -0.005, -0.004, -0.005, -0.005, -0.004, -0.004, -0.003,
		},
		{
			-0.006, -0.006, -0.005, -0.005, -0.003, -0.004, -0.002, -0.001, -0.002, -0.001, -0.001, -0.001,
			0.000, 0.000, 0.000, 0.000, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001,
			0.001, 0.000, 0.001, 0.002, 0.003, 0.003, 0.003, 0.003, 0.004, 0.004, 0.003, 0.003,
			0.002, 0.002, 0.002, 0.001, 0.001, 0.001, 0.001, 0.000, 0.000, -0.001, -0.001, -0.001,
			-0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, 0.000,
			0.000, 0.000, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.002, 0.001, 0.001, 0.001,
		},
		{
			0.001, 0.001, 0.001, 0.000, 0.000, -0.001, -0.002, -0.001, -0.002, -0.002, -0.002, -0.001,
			-0.002, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, 0.000, 0.000, 0.001, 0.001,
			0.002, 0.003, 0.003, 0.003, 0.002, 0.002, 0.001, 0.001, 0.000, 0.000, -0.001, -0.001,
			-0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, -0.001, 0.000, 0.000, 0.000,
			0.000, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001,
			0.001, 0.001, 0.000, 0.000, 0.000, 0.000, -0.001, -0.001, -0.001, -0.001, 0.000, -0.001,
		},
	}
)

const numComponents = 5

// physique is a body as so many standard deviations of each component.
type physique [numComponents]float64

// contour is its standing contour.
func (b *physique) contour() [gridSize]float64 {
	p := meanBody
	for k, c := range b {
		for i := range p {
			p[i] += c * bodyComponents[k][i]
		}
	}
	return p
}

// bodySD is how far a lifter's contour lies from that of any body made of the
// components, T: clothes, and what meshes do not know of people.
const bodySD = 0.01

// bodyOf is the likeliest body for what is seen of a contour, NaN where nothing
// is: least squares with the components' own spread as prior.
func bodyOf(seen *[gridSize]float64) physique {
	a := mat.NewSymDense(numComponents, nil)
	g := mat.NewVecDense(numComponents, nil)
	for k := range numComponents {
		a.SetSym(k, k, 1)
	}
	for i, p := range seen {
		if math.IsNaN(p) {
			continue
		}
		for k := range numComponents {
			c := bodyComponents[k][i] / (bodySD * bodySD)
			g.SetVec(k, g.AtVec(k)+c*(p-meanBody[i]))
			for l := range k + 1 {
				a.SetSym(k, l, a.At(k, l)+c*bodyComponents[l][i])
			}
		}
	}
	var chol mat.Cholesky
	chol.Factorize(a) // 1 and more in every direction
	var c mat.VecDense
	if err := chol.SolveVecTo(&c, g); err != nil {
		return physique{}
	}
	return physique(c.RawVector().Data)
}

// elbows is the height from which on elbows stand out behind the back of who
// carries a bar on it.
const elbows = 0.58

// wholeBack is the neutral contour with what is hidden of it as the likeliest
// body has it. The fit to a frame is better served by a plain continuation and
// doubt; the surface angle needs the thorax, which arms and plates hide.
func (r *registration) wholeBack(seen [gridSize]float64) [gridSize]float64 {
	if r.s.in.BarOnBack {
		for i := range seen {
			if gridHeight(i) > elbows {
				seen[i] = math.NaN()
			}
		}
	}
	likeliest := bodyOf(&seen)
	whole := registration{s: r.s, generic: likeliest.contour()}
	back, _, _ := whole.personal(seen)
	return back
}
