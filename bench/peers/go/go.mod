module weftbench

go 1.26
