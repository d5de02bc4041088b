package pose

import (
	"fmt"

	"github.com/spineflex/spineflex/models"
)

// Quality chooses the landmark network. The zero value is Balanced.
type Quality string

// The qualities, fastest first.
const (
	Fast     Quality = "fast"     // lite network
	Balanced Quality = "balanced" // full
	Accurate Quality = "accurate" // heavy, which is not embedded
)

// Qualities lists the allowed names in the order help texts show them.
func Qualities() []Quality { return []Quality{Fast, Balanced, Accurate} }

// Network returns the landmark network of a quality.
func (q Quality) Network() (models.Network, error) {
	switch q {
	case Fast:
		return models.Lite(), nil
	case Balanced, "":
		return models.Full(), nil
	case Accurate:
		return models.Heavy(), nil
	}
	return models.Network{}, fmt.Errorf("unknown quality %q (one of %s, %s, %s)", q, Fast, Balanced, Accurate)
}

// Networks are the ONNX files' contents.
type Networks struct {
	Quality    Quality
	Detector   []byte // person detector
	Landmarker []byte // landmark network: lite, full or heavy
}

// LoadNetworks returns the networks of a quality. Those that are not embedded
// are looked for in dirs and in [models.Dirs]; the error is
// [models.ErrNotInstalled] when one is nowhere.
func LoadNetworks(q Quality, dirs ...string) (Networks, error) {
	n, err := q.Network()
	if err != nil {
		return Networks{}, err
	}
	nets := Networks{Quality: q}
	if nets.Detector, err = models.Detector().Load(dirs...); err != nil {
		return Networks{}, err
	}
	if nets.Landmarker, err = n.Load(dirs...); err != nil {
		return Networks{}, err
	}
	return nets, nil
}
