"""`vmdirac ...`: thin commands over operations and reports."""
