"""Files and runs: the steps from a folder of videos to scores, reports and benchmark tables."""
