module github.com/streamvet/streamvet

go 1.26
