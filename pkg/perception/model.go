package perception

import "github.com/spineflex/spineflex/pkg/recording"

// Model is what [Run] would say of itself in a recording made with these
// options: the program, the networks and the engine that they choose here.
func (o Options) Model() (recording.Model, error) {
	_, model, err := o.model()
	return model, err
}
