"""Files and runs: the steps from a folder of videos to scores, reports and benchmark tables.

Each folder imports only those before it:

- `files`: the files of a run, written whole or not at all
- `videos`: which videos are meant, and their names
- `truth`: annotations, frame counts and named protocols
- `extraction`: videos to feature files, on one machine or many
- `features`: every form of feature set behind one interface
- `steps`: labels, detector, scores
- `report`: events, plots, clips and the page
- `evaluation`: scores against annotations
- `benchmark`: the paper's tables on whole data sets
- `settings`, `clip_settings`: how a run is carried out
- `run`, `looking`, `demo`, `demo_videos`: the whole line
- `machine`: what is installed and what the machine can do
- `watch`, `notify`: the same for videos as they arrive
- `cli`: the command line
"""
