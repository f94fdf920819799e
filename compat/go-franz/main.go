// franz-go against a broker: entry point. The tests stand in the files beside this one.
package main

import "ottla.invalid/compat/harness"

func main() {
	clientTests()
	adminTests()
	produceTests()
	consumeTests()
	groupTests()
	versionTests()
	transactionTests()
	harness.Run(4)
}
