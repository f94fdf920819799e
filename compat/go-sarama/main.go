// Sarama against a broker: entry point. The tests stand in the files beside this one.
package main

import "ottla.invalid/compat/harness"

func main() {
	adminTests()
	produceTests()
	consumeTests()
	groupTests()
	transactionTests()
	oldTests()
	harness.Run(4)
}
