#!/usr/bin/env node
// The command `hawser` of a checkout; the image carries a bundle of main.ts instead.
import './main.ts'
