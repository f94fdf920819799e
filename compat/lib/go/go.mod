module ottla.invalid/compat/harness

go 1.24
