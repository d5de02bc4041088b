package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is a flag that takes one of a few words; a wrong one is answered with
// the right ones.
type choice[T ~string] struct {
	value   *T
	allowed []T
}

// newChoice returns a flag value that is preset until it is set.
func newChoice[T ~string](value *T, preset T, allowed ...T) *choice[T] {
	*value = preset
	return &choice[T]{value, allowed}
}

func (c *choice[T]) String() string {
	if c.value == nil {
		return ""
	}
	return string(*c.value)
}

func (c *choice[T]) Set(s string) error {
	if !slices.Contains(c.allowed, T(s)) {
		return fmt.Errorf("must be one of %s", c.Type())
	}
	*c.value = T(s)
	return nil
}

// Type names the allowed words; cobra's help shows it where others say "string".
func (c *choice[T]) Type() string {
	words := make([]string, len(c.allowed))
	for i, a := range c.allowed {
		words[i] = string(a)
	}
	return strings.Join(words, "|")
}
