package report

// Style is the style sheet that every page of this program wears.
func Style() (string, error) {
	b, err := pageFiles.ReadFile("page/report.css")
	return string(b), err
}
