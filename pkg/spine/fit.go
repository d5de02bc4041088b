package spine

import "math"

// The unknowns of one frame.
const (
	pX       = iota // hip joint, forward of the landmark, T
	pY              // hip joint, above the landmark, T
	pPitch          // forward rotation of the pelvis from its neutral posture, radians
	pFlexion        // lumbar flexion, radians
	pGluteal        // stretch of the gluteal skin, 1 at 110° of hip flexion
	numParams
)

type params [numParams]float64

// observation is a point of the dorsal contour relative to the hip landmark,
// as if the lifter faced right: forward and up, T.
type observation struct {
	x, y float64
	sd   float64 // across the contour, T
}

// prior is what is believed of a frame before its contour is looked at.
type prior struct {
	mean, sd params // sd 0: nothing known
	// The thorax' mark, relative to the hip landmark, and where it sits on the
	// neutral thorax: a weak hold on the thorax where arm and plate hide the
	// back.
	thoraxX, thoraxY     float64
	thoraxH, thoraxP     float64
	thoraxSDX, thoraxSDY float64 // 0: not used

	elbows bool // they may stand out behind the back
}

// fitted is the outcome of one frame's fit.
type fitted struct {
	params
	cov     [numParams][numParams]float64
	chi2    float64 // weighted mean square of the contour residuals in units of their sd
	prior   float64 // cost of the prior
	support float64 // sum of robust weights of the contour samples
	weights []float64
	ok      bool
}

// cost is the robust cost of contour and prior.
func (f *fitted) cost() float64 {
	cost := f.prior
	for _, w := range f.weights {
		if w > 0 {
			cost -= cauchyScale * cauchyScale / 2 / correlatedSamples * math.Log(w) // log(1 + (r/scale)²)
		}
	}
	return cost
}

const (
	maxIterations = 12
	// cauchyScale is where a residual's influence starts to fall, in its own
	// sd (95 % efficiency for Gaussian errors; Holland & Welsch 1977).
	cauchyScale = 2.385
	// Neighbouring samples of an edge share mask pixels and picture detail, and
	// what cloth and muscle do that the model does not know goes on for as long:
	// about this many of them carry one independent piece of evidence. With each
	// taken for one, landmarks, plate and buttock had no say where arms and
	// plates leave 10 cm of back to be seen (docs/accuracy.md).
	correlatedSamples = 3.0
	// The contour is used between these heights of the neutral body: from the
	// crest of the buttock to T10. Below, the buttock follows the thigh;
	// above, the thoracic spine bends by itself and arms and bar begin.
	useFrom, useTo = -0.14, levelT10
)

// glutealDoubt is how much a body's gluteal stretch differs from the usual one,
// as a share of it, from place to place: the further the hip flexes, the less
// the buttock says of the pelvis.
const glutealDoubt = 0.4

// elbowDoubt is how far what passes for the back moves against it where the lifter
// carries a bar, per height above L2: an upper arm comes out of bare skin or of the
// shirt's own cloth without a corner, and behind plates nobody knows where the elbow
// is (its landmark is off by 0.3 to 0.8 T). On rendered squats such samples stand out
// by 0.02 T from L1 to T12 and 0.05 to T9 (root mean square), but part of it in all
// frames alike, and so in the reference: they move by 0.011 and 0.020.
const elbowDoubt = 0.08

// fitter fits the bent neutral contour to what is seen. It keeps buffers;
// one fitter serves one goroutine.
type fitter struct {
	ref       *reference
	c, c2, c3 curve
}

// cauchyWeight is the weight of a residual whose square, in its own sd, is r2.
func cauchyWeight(r2 float64) float64 { return 1 / (1 + r2*(1/(cauchyScale*cauchyScale))) }

// toBody turns an observation into the body frame of p.
func toBody(o observation, p *params, cos, sin float64) (h, back float64) {
	x, y := o.x-p[pX], o.y-p[pY]
	// pitching forward by a takes (0,1) to (sin a, cos a); undo it
	return y*cos + x*sin, -(x*cos - y*sin)
}

// fit finds the pelvis' place and pitch and the lumbar flexion at which the
// reference contour best meets obs, by Gauss–Newton with Cauchy weights from
// start on. weights must hold len(obs) values and is kept in the result.
func (f *fitter) fit(obs []observation, pr *prior, start params, weights []float64) fitted {
	out := fitted{params: start, weights: weights}
	const eps = 1e-3
	for iter := 0; iter < maxIterations; iter++ {
		p := &out.params
		bones, moved := f.ref.chain(p[pFlexion]), f.ref.chain(p[pFlexion]+eps)
		f.ref.follow(&f.c, &bones, p[pGluteal], gridSize)
		f.ref.follow(&f.c2, &moved, p[pGluteal], gridSize)
		f.c3 = f.c
		f.ref.follow(&f.c3, &bones, p[pGluteal]+eps, glutealEnd)
		cos, sin := math.Cos(p[pPitch]), math.Sin(p[pPitch])
		var n normal
		var j params
		out.chi2, out.support, out.prior = 0, 0, 0
		lo, _ := f.c.point(useFrom)
		hi, _ := f.c.point(useTo)
		for i, o := range obs {
			weights[i] = 0
			h, back := toBody(o, p, cos, sin)
			if h < lo || h > hi {
				continue
			}
			model, slope, at, ok := f.c.lookup(h)
			if !ok {
				continue
			}
			m2, _, _, ok := f.c2.from(at, h)
			if !ok {
				continue
			}
			m3 := model
			if at < glutealEnd {
				if m3, _, _, ok = f.c3.from(at, h); !ok {
					continue
				}
			}
			doubt, stretch := f.ref.doubt[at], glutealDoubt*p[pGluteal]*glutealStretch[at]
			variance := o.sd*o.sd + doubt*doubt + stretch*stretch
			if pr.elbows {
				doubt = elbowDoubt * max(0, gridHeight(at)-levelL2)
				variance += doubt * doubt
			}
			norm := 1 / math.Sqrt((1+slope*slope)*variance)
			r := (back - model) * norm
			w := cauchyWeight(r * r)
			weights[i] = w
			out.support += w
			out.chi2 += w * r * r
			x, y := o.x-p[pX], o.y-p[pY]
			dh, db := -y*sin+x*cos, x*sin+y*cos // by pitch
			// One by one: a literal is made elsewhere and copied.
			j[pX] = (cos + slope*sin) * norm
			j[pY] = (-sin + slope*cos) * norm
			j[pPitch] = (db - slope*dh) * norm
			j[pFlexion] = (model - m2) * norm * (1 / eps)
			j[pGluteal] = (model - m3) * norm * (1 / eps)
			n.add(&j, r, w/correlatedSamples)
		}
		for k, sd := range pr.sd {
			if sd > 0 {
				var j params
				j[k] = 1 / sd
				r := (p[k] - pr.mean[k]) / sd
				out.prior += r * r / 2
				w := 1.0
				if k == pX || k == pY { // landmarks can be far off
					w = cauchyWeight(r * r)
				}
				n.add(&j, r, w)
			}
		}
		if pr.thoraxSDX > 0 {
			n.addThorax(pr, p, bones[joints], moved[joints], eps, cos, sin)
		}
		step, cov, ok := solve(&n.a, &n.g)
		if !ok {
			return fitted{params: start, weights: weights}
		}
		out.cov = cov
		if out.support > 0 {
			out.chi2 /= out.support
		}
		scale := 1.0
		for k, limit := range (params{0.1, 0.1, 0.3, 0.3, 0.5}) {
			scale = math.Min(scale, limit/math.Max(math.Abs(step[k]), limit))
		}
		for k := range step {
			p[k] -= scale * step[k]
		}
		out.ok = true
		if math.Abs(step[pFlexion])+math.Abs(step[pPitch]) < 2e-4 {
			break
		}
	}
	return out
}

// normal are the normal equations a·step = g, of a the lower triangle.
type normal struct {
	a [numParams][numParams]float64
	g params
}

// add adds a residual r with derivatives j and weight w. It is written out:
// loops took two fifths of its time.
func (n *normal) add(j *params, r, w float64) {
	a := &n.a
	w0, w1, w2, w3, w4 := w*j[0], w*j[1], w*j[2], w*j[3], w*j[4]
	n.g[0] += w0 * r
	n.g[1] += w1 * r
	n.g[2] += w2 * r
	n.g[3] += w3 * r
	n.g[4] += w4 * r
	a[0][0] += w0 * j[0]
	a[1][0] += w1 * j[0]
	a[1][1] += w1 * j[1]
	a[2][0] += w2 * j[0]
	a[2][1] += w2 * j[1]
	a[2][2] += w2 * j[2]
	a[3][0] += w3 * j[0]
	a[3][1] += w3 * j[1]
	a[3][2] += w3 * j[2]
	a[3][3] += w3 * j[3]
	a[4][0] += w4 * j[0]
	a[4][1] += w4 * j[1]
	a[4][2] += w4 * j[2]
	a[4][3] += w4 * j[3]
	a[4][4] += w4 * j[4]
}

// addThorax adds the two residuals of the thorax' mark, with a Cauchy weight of
// their own. The thorax is where it is and where eps more flexion takes it.
func (n *normal) addThorax(pr *prior, p *params, thorax, moved rigid, eps, cos, sin float64) {
	h, b := thorax.apply(pr.thoraxH, pr.thoraxP)
	h2, b2 := moved.apply(pr.thoraxH, pr.thoraxP)
	// body → picture: x forward, y up
	place := func(h, b float64) (x, y float64) { return p[pX] + h*sin - b*cos, p[pY] + h*cos + b*sin }
	x, y := place(h, b)
	x2, y2 := place(h2, b2)
	rx, ry := (x-pr.thoraxX)/pr.thoraxSDX, (y-pr.thoraxY)/pr.thoraxSDY
	w := cauchyWeight(rx*rx + ry*ry)
	jx := params{pX: 1 / pr.thoraxSDX, pPitch: (h*cos + b*sin) / pr.thoraxSDX, pFlexion: (x2 - x) / eps / pr.thoraxSDX}
	jy := params{pY: 1 / pr.thoraxSDY, pPitch: (-h*sin + b*cos) / pr.thoraxSDY, pFlexion: (y2 - y) / eps / pr.thoraxSDY}
	n.add(&jx, rx, w)
	n.add(&jy, ry, w)
}

// solve returns a⁻¹g and a⁻¹ for the symmetric positive definite a given by its
// lower triangle, by Cholesky's method; gonum's would allocate in every
// iteration of every frame.
func solve(a *[numParams][numParams]float64, g *params) (step params, cov [numParams][numParams]float64, ok bool) {
	var l, inv [numParams][numParams]float64 // a = l·lᵀ, inv = l⁻¹
	for i := range a {
		for j := 0; j <= i; j++ {
			s := a[i][j]
			if i == j {
				s += 1e-6*s + 1e-9
			}
			for k := range j {
				s -= l[i][k] * l[j][k]
			}
			if i == j {
				if !(s > 0) {
					return step, cov, false
				}
				l[i][i] = math.Sqrt(s)
			} else {
				l[i][j] = s / l[j][j]
			}
		}
	}
	for i := range l {
		inv[i][i] = 1 / l[i][i]
		for j := range i {
			s := 0.0
			for k := j; k < i; k++ {
				s -= l[i][k] * inv[k][j]
			}
			inv[i][j] = s / l[i][i]
		}
	}
	for i := range cov {
		for j := range cov {
			for k := max(i, j); k < numParams; k++ {
				cov[i][j] += inv[k][i] * inv[k][j]
			}
			step[i] += cov[i][j] * g[j]
		}
	}
	return step, cov, true
}
